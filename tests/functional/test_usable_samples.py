"""What all quantities of a matrix of samples refuse, drop and accept alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_infomem.functional import (
    alpha_req,
    correlation,
    gaussian_copula_information,
    normal_scores,
    participation_ratio,
    rankme,
)
from lightning_infomem.functional.usable_samples import usable_samples
from tests.functional.kinds_of_samples import CONTINUOUS, KINDS

Quantity = Callable[[Tensor], Tensor]
QUANTITIES: list[Quantity] = [
    normal_scores,
    correlation,
    gaussian_copula_information,
    rankme,
    participation_ratio,
    alpha_req,
]


@pytest.fixture(params=QUANTITIES, ids=lambda quantity: quantity.__name__)
def quantity(request: pytest.FixtureRequest) -> Quantity:
    return request.param


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        (torch.zeros(9, 2, dtype=torch.int64), TypeError, r"samples: a floating-point .* convert it: samples.double"),
        (torch.zeros(9, 2, dtype=torch.complex64), TypeError, r"samples: .* got a torch.complex64 .* real and imag"),
        (np.zeros((9, 2)), TypeError, r"samples: .* got ndarray; convert it with torch.as_tensor"),
        (torch.zeros(9), ValueError, r"samples: shape \[samples, units\] is required, got .* \[9\] .* reshape"),
        (torch.zeros(0, 2), ValueError, r"samples: at least one sample and one unit .* got .* \[0, 2\]"),
        (torch.zeros(9, 0), ValueError, r"samples: at least one sample and one unit .* got .* \[9, 0\]"),
        (torch.full((9, 2), math.nan), ValueError, r"samples: a row of finite values is required, got .* \[9, 2\]"),
    ],
)
def test_unusable_samples_are_refused(quantity: Quantity, samples: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        quantity(samples)


def test_rows_that_are_not_finite_are_dropped_with_a_warning(quantity: Quantity) -> None:
    samples = CONTINUOUS["dependent"].clone()
    samples[3, 1], samples[7, 2], samples[7, 0] = math.nan, math.inf, -math.inf
    finite = samples.isfinite().all(1)
    with pytest.warns(UserWarning, match="samples: 2 of 60 rows hold non-finite values and were dropped") as caught:
        found = quantity(samples)
    assert [warning.filename for warning in caught] == [__file__]
    expected = quantity(samples[finite])
    if quantity is normal_scores:
        assert found[~finite].isnan().all()
        found = found[finite]
    assert torch.equal(found, expected)


def test_a_unit_without_any_finite_value_hides_no_row(quantity: Quantity) -> None:
    samples = CONTINUOUS["dependent"]
    dead = torch.full((len(samples), 1), math.nan, dtype=samples.dtype)
    found = quantity(torch.cat([samples[:, :1], dead, samples[:, 1:]], dim=1))
    expected = quantity(samples)
    live = [0, 2, 3, 4]
    if found.ndim == 0:
        assert torch.equal(found, expected)
    elif quantity is normal_scores:
        assert torch.equal(found[:, live], expected)
        assert found[:, 1].isnan().all()
    else:
        assert torch.equal(found[live][:, live], expected)
        assert found[1].isnan().all()
        assert found[:, 1].isnan().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_every_dtype_is_taken_as_the_float64_numbers_it_holds(quantity: Quantity, dtype: torch.dtype) -> None:
    samples = CONTINUOUS["dependent"].to(dtype)
    found = quantity(samples)
    assert found.dtype == torch.float64
    assert torch.equal(found, quantity(samples.double()))


@pytest.mark.parametrize("kind", list(KINDS))
def test_samples_are_left_as_they_were_and_carry_no_gradient(quantity: Quantity, kind: str) -> None:
    samples = KINDS[kind].clone().requires_grad_()
    found = quantity(samples)
    assert not found.requires_grad
    assert torch.equal(samples.detach(), KINDS[kind])


def test_the_layout_in_memory_does_not_matter(quantity: Quantity) -> None:
    samples = CONTINUOUS["dependent"]
    wide = torch.zeros(120, 8, dtype=torch.float64)
    wide[::2, ::2] = samples
    for laid_out in (samples.T.contiguous().T, wide[::2, ::2]):
        torch.testing.assert_close(quantity(laid_out), quantity(samples), rtol=1e-12, atol=1e-12)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("kind", ["independent", "ten whole numbers", "one unit constant"])
def test_the_result_stays_on_the_device_of_the_samples(quantity: Quantity, kind: str) -> None:
    found = quantity(KINDS[kind].cuda())
    assert found.is_cuda
    torch.testing.assert_close(found.cpu(), quantity(KINDS[kind]), rtol=1e-9, atol=1e-9)


def test_usable_samples_pass_untouched() -> None:
    samples = CONTINUOUS["dependent"]
    kept, finite_rows, live_units = usable_samples(samples)
    assert kept is samples
    assert finite_rows.all()
    assert live_units.all()
