from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lightning_infomem.functional import mean_confidence, nuclear_norm, softmax_entropy
from tests.functional.test_properties import SEEDS, normal, tensors

ROUNDING_OF_A_SUM = 1e-12
QUANTITIES = [mean_confidence, softmax_entropy, nuclear_norm]
SHAPES = [(1, 2), (2, 2), (3, 10), (10, 3), (200, 10), (7, 7)]

either = pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.__name__)


def logits_of(shape: tuple[int, int], scale: float = 3.0) -> Tensor:
    return scale * normal(0, *shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.0, 0.1, 3.0, 300.0])
def test_all_three_are_those_of_scipys_softmax(shape: tuple[int, int], scale: float) -> None:
    logits = logits_of(shape, scale)
    probabilities = scipy.special.softmax(logits.numpy(), axis=1)
    samples, classes = shape
    expected = [
        probabilities.max(1).mean(),
        scipy.stats.entropy(probabilities, axis=1).mean(),
        np.linalg.norm(probabilities, "nuc") / math.sqrt(min(samples, classes) * samples),
    ]
    assert [float(quantity(logits)) for quantity in QUANTITIES] == pytest.approx(expected, abs=ROUNDING_OF_A_SUM)


def test_uniform_predictions_by_hand() -> None:
    logits = torch.full((20, 5), 7.0)
    assert float(mean_confidence(logits)) == pytest.approx(1 / 5, abs=ROUNDING_OF_A_SUM)
    assert float(softmax_entropy(logits)) == pytest.approx(math.log(5), abs=ROUNDING_OF_A_SUM)
    assert float(nuclear_norm(logits)) == pytest.approx(1 / 5, abs=ROUNDING_OF_A_SUM)
    assert float(nuclear_norm(logits[:2])) == pytest.approx(1 / math.sqrt(2 * 5), abs=ROUNDING_OF_A_SUM)


def test_sure_and_balanced_predictions_have_the_largest_nuclear_norm() -> None:
    logits = 1000 * torch.eye(4).repeat(5, 1)
    assert float(mean_confidence(logits)) == 1
    assert float(softmax_entropy(logits)) == 0
    assert float(nuclear_norm(logits)) == pytest.approx(1, abs=ROUNDING_OF_A_SUM)


def test_one_class_for_everything_has_the_nuclear_norm_of_one_direction() -> None:
    logits = 1000 * torch.eye(4)[[2] * 20]
    assert float(mean_confidence(logits)) == 1
    assert float(nuclear_norm(logits)) == pytest.approx(1 / 2, abs=ROUNDING_OF_A_SUM)  # sqrt(20) / sqrt(4 * 20)


def test_huge_logits_do_not_overflow() -> None:
    logits = torch.tensor([[1.7e308, -1.7e308], [-1.7e308, 1.7e308]], dtype=torch.float64)
    assert [float(quantity(logits)) for quantity in QUANTITIES] == pytest.approx([1, 0, 1], abs=ROUNDING_OF_A_SUM)


@given(tensors(st.floats(-1e300, 1e300)).filter(lambda logits: logits.shape[1] > 1))
def test_all_three_stay_within_their_bounds(logits: Tensor) -> None:
    samples, classes = logits.shape
    slack = 1 + ROUNDING_OF_A_SUM
    assert 1 / classes / slack <= float(mean_confidence(logits)) <= slack
    assert 0 <= float(softmax_entropy(logits)) <= math.log(classes) * slack
    assert 1 / math.sqrt(classes * min(samples, classes)) / slack <= float(nuclear_norm(logits)) <= slack


@either
@given(SEEDS, st.floats(-100, 100))
def test_adding_to_all_logits_of_a_sample_and_reordering_change_nothing(
    quantity: Callable[[Tensor], Tensor], seed: int, shift: float
) -> None:
    logits = normal(seed, 12, 4)
    changed = (logits + shift * normal(seed + 1, 12, 1)).flip(0)[:, [2, 0, 3, 1]]
    assert float(quantity(changed)) == pytest.approx(float(quantity(logits)), abs=ROUNDING_OF_A_SUM)


@either
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_every_dtype_is_taken_as_the_float64_numbers_it_holds(
    quantity: Callable[[Tensor], Tensor], dtype: torch.dtype
) -> None:
    logits = logits_of((30, 4)).to(dtype).requires_grad_()
    found = quantity(logits)
    assert found.dtype == torch.float64
    assert found.shape == ()
    assert not found.requires_grad
    assert torch.equal(found, quantity(logits.double()))


@either
def test_rows_that_are_not_finite_are_dropped_with_a_warning(quantity: Callable[[Tensor], Tensor]) -> None:
    logits = logits_of((9, 3))
    logits[1, 0], logits[4, 2], logits[4, 0] = math.nan, math.inf, -math.inf
    with pytest.warns(UserWarning, match="logits: 2 of 9 rows hold non-finite values and were dropped") as caught:
        found = quantity(logits)
    assert [warning.filename for warning in caught] == [__file__]
    assert torch.equal(found, quantity(logits[[0, 2, 3, 5, 6, 7, 8]]))


@either
@pytest.mark.parametrize(
    ("logits", "error", "message"),
    [
        (torch.zeros(9, 2, dtype=torch.int64), TypeError, r"logits: a floating-point .* convert it: logits.double"),
        (np.zeros((9, 2)), TypeError, r"logits: .* got ndarray; convert it with torch.as_tensor"),
        (torch.zeros(9), ValueError, r"logits: shape .* is required, got .* \[9\]"),
        (torch.zeros(0, 2), ValueError, r"logits: at least one sample .* got .* \[0, 2\]"),
        (torch.zeros(9, 1), ValueError, r"logits: at least two classes are required, got .* \[9, 1\] .* as \[0, z\]"),
        (torch.full((9, 2), math.nan), ValueError, r"logits: a row of finite values .* \[9, 2\] .* masked by -inf"),
    ],
)
def test_unusable_logits_are_refused(
    quantity: Callable[[Tensor], Tensor], logits: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        quantity(logits)
