from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, rankdata
from torch import Tensor

from lightning_infomem.functional import gaussian_copula_information, pairwise_mutual_information
from tests.functional.kinds_of_samples import CONTINUOUS, KINDS
from tests.functional.test_properties import ANY_FINITE, SEEDS, TIED, normal, tensors
from tests.known_answers import correlated_gaussians


def numpys_information(samples: Tensor) -> Tensor:
    scores = norm.ppf(rankdata(samples.double().numpy(), axis=0) / (len(samples) + 1))
    varying = np.flatnonzero(np.ptp(scores, axis=0) > 0)
    result = np.zeros((samples.shape[1],) * 2)
    if len(varying):
        # By entropies: that of two units apart, less that of both together.
        covariance = np.cov(scores[:, varying], rowvar=False).reshape(len(varying), len(varying))
        variance = np.diag(covariance)
        with np.errstate(divide="ignore", invalid="ignore"):
            determinant = np.maximum(np.outer(variance, variance) - covariance**2, 0)
            both = 0.5 * (np.log(np.outer(variance, variance)) - np.log(determinant))
        result[np.ix_(varying, varying)] = np.minimum(both, math.log(len(samples)))
    return torch.tensor(result)


@pytest.mark.parametrize("kind", list(KINDS))
def test_information_is_that_of_the_covariance_of_scores(kind: str) -> None:
    expected = numpys_information(KINDS[kind])
    torch.testing.assert_close(gaussian_copula_information(KINDS[kind]), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.9])
def test_gaussians_have_the_closed_form(rho: float) -> None:
    x, y, truth = correlated_gaussians(rho, num_samples=20_000, num_draws=1)
    found = gaussian_copula_information(torch.stack([x.flatten(), y.flatten()], dim=1))
    # Three standard errors of rho / sqrt(samples), and the bias at rho = 0.
    assert float(found[0, 1]) == pytest.approx(truth, abs=3 * abs(rho) / math.sqrt(20_000) + 3e-4)


def test_information_by_hand() -> None:
    """Three samples have the scores -q, 0 and q: the correlation of (1, 2, 3) with (1, 3, 2) is 1/2."""
    found = gaussian_copula_information(torch.tensor([[1.0, 1.0], [2.0, 30.0], [3.0, 2.0]]))
    assert float(found[0, 1]) == pytest.approx(-0.5 * math.log(0.75), abs=1e-14)


def test_what_is_not_monotone_is_not_seen() -> None:
    """A lower bound: the square of a symmetric unit has all the information, and no correlation with it."""
    x = torch.linspace(-1, 1, 201, dtype=torch.float64)
    samples = torch.stack([x, x.square()], dim=1)
    assert float(gaussian_copula_information(samples)[0, 1]) == pytest.approx(0, abs=1e-12)
    assert float(pairwise_mutual_information(samples)[0, 1]) > 1


def test_copies_and_the_diagonal_have_the_logarithm_of_the_number_of_samples() -> None:
    x = CONTINUOUS["independent"][:, 0]
    found = gaussian_copula_information(torch.stack([x, x.exp(), -(x**3)], dim=1))
    assert found.unique().tolist() == [math.log(60)]


def test_constant_units_share_nothing_even_with_themselves() -> None:
    found = gaussian_copula_information(torch.stack([torch.full((9,), 0.1), torch.arange(9.0)], dim=1))
    assert found.tolist() == [[0, 0], [0, math.log(9)]]
    assert gaussian_copula_information(torch.tensor([[1.0, 2.0]])).tolist() == [[0, 0], [0, 0]]


@given(tensors(ANY_FINITE | TIED))
def test_information_is_symmetric_and_between_zero_and_the_logarithm_of_the_samples(samples: Tensor) -> None:
    found = gaussian_copula_information(samples)
    assert torch.equal(found, found.T)
    assert (found >= 0).all()
    assert (found <= math.log(len(samples))).all()


@given(SEEDS, st.sampled_from([torch.exp, torch.atan, torch.sinh, lambda x: -3 * x]))
def test_monotone_maps_of_a_unit_change_nothing(seed: int, monotone) -> None:
    samples = normal(seed)
    expected = gaussian_copula_information(samples)
    samples[:, 1] = monotone(samples[:, 1])
    torch.testing.assert_close(gaussian_copula_information(samples), expected, rtol=0, atol=1e-12)
