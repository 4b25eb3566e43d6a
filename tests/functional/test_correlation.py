from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lightning_infomem.functional import correlation
from tests.functional.kinds_of_samples import KINDS
from tests.functional.test_properties import ANY_FINITE, SEEDS, TIED, normal, tensors

ROUNDING_OF_A_SUM = 1e-13


def numpys_correlation(samples: Tensor) -> Tensor:
    """With 0 for constant units, where numpy divides by zero."""
    values = samples.double().numpy()
    varying = np.flatnonzero(np.ptp(values, axis=0))
    result = np.eye(values.shape[1])
    if len(varying):
        result[np.ix_(varying, varying)] = np.corrcoef(values[:, varying], rowvar=False)
    return torch.tensor(result)


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_samples_has_numpys_correlation(kind: str) -> None:
    expected = numpys_correlation(KINDS[kind])
    torch.testing.assert_close(correlation(KINDS[kind]), expected, rtol=0, atol=ROUNDING_OF_A_SUM)


def test_correlations_by_hand() -> None:
    """Centred, the units are (-1, 0, 1), (1, 0, -1) and (-1, 2, -1)."""
    samples = torch.tensor([[0.0, 5.0, 0.0], [1.0, 4.0, 3.0], [2.0, 3.0, 0.0]])
    expected = torch.tensor([[1, -1, 0], [-1, 1, 0], [0, 0, 1]], dtype=torch.float64)
    torch.testing.assert_close(correlation(samples), expected, rtol=0, atol=ROUNDING_OF_A_SUM)


def test_constant_units_have_none_with_others() -> None:
    samples = torch.stack([torch.full((9,), 0.1), torch.arange(9.0), torch.full((9,), 0.1)], dim=1)
    assert torch.equal(correlation(samples), torch.eye(3, dtype=torch.float64))
    assert torch.equal(correlation(torch.tensor([[1.0, 2.0]])), torch.eye(2, dtype=torch.float64))


@given(tensors(ANY_FINITE | TIED))
def test_correlations_are_symmetric_and_between_minus_one_and_one(samples: Tensor) -> None:
    found = correlation(samples)
    assert torch.equal(found, found.T)
    assert (found.abs() <= 1).all()
    assert (found.diagonal() == 1).all()


@given(SEEDS, st.floats(0.01, 100), st.floats(-100, 100), st.sampled_from([-1, 1]))
def test_affine_maps_of_a_unit_change_the_sign_at_most(seed: int, scale: float, shift: float, sign: int) -> None:
    samples = normal(seed)
    expected = sign * float(correlation(samples)[0, 1])
    samples[:, 1] = sign * scale * samples[:, 1] + shift
    # The shift rounds values of .01 at 100, by 1e-12 of their scale.
    assert float(correlation(samples)[0, 1]) == pytest.approx(expected, abs=1e-11)


@given(SEEDS, st.sampled_from([2.0**-1060, 2.0**-600, 2.0**600, 2.0**1020]))
def test_neither_huge_nor_tiny_values_leave_the_range_of_float64(seed: int, scale: float) -> None:
    samples = normal(seed)
    # Among denormal numbers 2**-1060 leaves 14 bits.
    rounding = 1e-3 if scale == 2.0**-1060 else ROUNDING_OF_A_SUM
    torch.testing.assert_close(correlation(samples * scale), correlation(samples), rtol=0, atol=rounding)


def test_two_values_one_rounding_apart_are_distinguished() -> None:
    last_bit = torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0], dtype=torch.float64)
    coarse = torch.arange(7, dtype=torch.float64)
    fine = correlation(torch.stack([1 + 2**-52 * last_bit, coarse], dim=1))
    torch.testing.assert_close(
        fine, correlation(torch.stack([last_bit, coarse], dim=1)), rtol=0, atol=ROUNDING_OF_A_SUM
    )
