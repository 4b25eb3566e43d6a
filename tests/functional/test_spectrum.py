from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy, linregress
from torch import Tensor

from lightning_infomem.functional import alpha_req, participation_ratio, rankme
from tests.functional.kinds_of_samples import KINDS
from tests.functional.test_properties import SEEDS, TIED, normal, tensors

# Tied units are linearly dependent up to rounding, and rounding decides then which eigenvalues are zero.
OF_FULL_RANK = ["independent", "dependent", "heavy tails", "17 samples", "float32", "rectified bfloat16", "binary"]


def with_eigenvalues(eigenvalues: Tensor, num_samples: int, *, seed: int = 0) -> Tensor:
    """Samples of mean zero whose products with one another have exactly these eigenvalues."""
    num_units = len(eigenvalues)
    directions = torch.linalg.qr(normal(seed, num_units, num_units)).Q
    columns = normal(seed + 1, num_samples, num_units)
    orthonormal = torch.linalg.qr(columns - columns.mean(0)).Q
    return orthonormal @ torch.diag(eigenvalues.sqrt()) @ directions.T


def power_law(num_units: int, alpha: float) -> Tensor:
    return torch.arange(1, num_units + 1, dtype=torch.float64) ** -alpha


# RankMe


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "constant" not in kind])
def test_rankme_is_the_exponential_of_scipys_entropy(kind: str) -> None:
    values = np.linalg.svd(KINDS[kind].double().numpy(), compute_uv=False)
    share = values / values.sum() + 1e-7
    expected = np.exp(-(share * np.log(share)).sum())
    assert float(rankme(KINDS[kind])) == pytest.approx(expected, rel=1e-12)
    # Without the epsilon it is scipy's; that adds at most 16e-7 a value to the entropy.
    assert float(rankme(KINDS[kind])) == pytest.approx(np.exp(entropy(values / values.sum())), rel=1e-5)


@pytest.mark.parametrize("num_units", [1, 2, 7])
def test_rankme_of_equal_directions_is_their_number(num_units: int) -> None:
    assert float(rankme(3 * torch.eye(9, num_units))) == pytest.approx(num_units, rel=1e-5)


def test_rankme_by_hand() -> None:
    """Singular values 1 and 3: shares 1/4 and 3/4."""
    expected = math.exp(0.25 * math.log(4) + 0.75 * math.log(4 / 3))
    assert float(rankme(torch.tensor([[0.0, 3.0], [1.0, 0.0], [0.0, 0.0]]))) == pytest.approx(expected, rel=1e-6)


def test_rankme_takes_the_matrix_as_it_is_not_centred() -> None:
    samples = normal(0, 50, 5)
    assert float(rankme(samples + 1000)) < 1.1
    assert float(rankme(samples)) > 4.5


def test_rankme_of_constant_units_is_one_and_of_zeros_undefined() -> None:
    assert float(rankme(torch.full((9, 3), 0.1))) == pytest.approx(1, abs=1e-5)
    assert rankme(torch.zeros(9, 3)).isnan()


# Participation ratio


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "all units constant"])
def test_participation_ratio_is_that_of_numpys_eigenvalues(kind: str) -> None:
    values = np.linalg.eigvalsh(np.cov(KINDS[kind].double().numpy(), rowvar=False))
    assert float(participation_ratio(KINDS[kind])) == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-11)


def test_participation_ratio_by_hand() -> None:
    """Variances in the proportion 1 to 3: 16 / 10."""
    samples = with_eigenvalues(torch.tensor([1.0, 3.0], dtype=torch.float64), 10)
    assert float(participation_ratio(samples + 5)) == pytest.approx(1.6, rel=1e-12)


def test_participation_ratio_of_fewer_samples_than_units_is_the_same_formula() -> None:
    samples = normal(3, 7, 30)
    values = np.linalg.eigvalsh(np.cov(samples.numpy(), rowvar=False))
    assert float(participation_ratio(samples)) == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-12)


def test_participation_ratio_of_constant_units_is_undefined() -> None:
    for count in range(1, 60):  # the mean of as many equal values is often not quite that value
        assert participation_ratio(torch.full((count, 3), 1e5 / 3, dtype=torch.float64)).isnan()
    assert participation_ratio(torch.tensor([[1.0, 2.0]])).isnan()


# alpha-ReQ


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.5])
@pytest.mark.parametrize("num_units", [2, 3, 5, 15, 16, 40, 99, 101, 150])
def test_a_power_law_gives_back_its_exponent(num_units: int, alpha: float) -> None:
    samples = with_eigenvalues(power_law(num_units, alpha), 200)
    assert float(alpha_req(samples - 3)) == pytest.approx(alpha, abs=1e-8)


@pytest.mark.parametrize(
    ("num_units", "first", "last"),
    [(3, 1, 3), (4, 2, 4), (8, 3, 8), (15, 4, 15), (16, 5, 16), (100, 5, 100), (120, 5, 100)],
)
def test_the_line_is_scipys_through_the_documented_indices(num_units: int, first: int, last: int) -> None:
    eigenvalues = power_law(num_units, 1.0) * normal(num_units, num_units, 1)[:, 0].abs().clamp_min(0.1)
    expected = eigenvalues.sort(descending=True).values.numpy()[first - 1 : last]
    slope = linregress(np.log(np.arange(first, last + 1)), np.log(expected)).slope
    assert float(alpha_req(with_eigenvalues(eigenvalues, 200))) == pytest.approx(-slope, rel=1e-8)


@pytest.mark.parametrize("kind", OF_FULL_RANK)
def test_alpha_of_four_units_is_that_of_numpys_last_three_eigenvalues(kind: str) -> None:
    values = np.linalg.eigvalsh(np.cov(KINDS[kind].double().numpy(), rowvar=False))[::-1][1:]
    assert float(alpha_req(KINDS[kind])) == pytest.approx(
        -linregress(np.log([2, 3, 4]), np.log(values)).slope, rel=1e-9
    )


def test_eigenvalues_that_are_zero_to_rounding_are_ignored() -> None:
    eigenvalues = torch.cat([power_law(20, 1.0), torch.zeros(20, dtype=torch.float64)])
    assert float(alpha_req(with_eigenvalues(eigenvalues, 200))) == pytest.approx(1, abs=1e-8)
    few = with_eigenvalues(power_law(20, 1.0), 200)
    assert float(alpha_req(torch.cat([few, few, torch.ones(200, 3)], dim=1))) == pytest.approx(1, abs=1e-8)


def test_without_two_eigenvalues_there_is_no_line() -> None:
    x = torch.arange(9.0)
    for samples in (torch.full((9, 3), 0.1), x[:, None], torch.stack([x, -2 * x], dim=1), torch.tensor([[1.0, 2.0]])):
        assert alpha_req(samples).isnan()


# Laws


@given(tensors(TIED, min_samples=2))
def test_both_ranks_lie_between_one_and_the_smaller_side(samples: Tensor) -> None:
    most = min(samples.shape)
    if samples.any():
        epsilon = most * 2e-6
        assert 1 - epsilon <= float(rankme(samples)) <= most * (1 + epsilon)
    if (samples != samples[0]).any():
        assert 1 - 1e-12 <= float(participation_ratio(samples)) <= min(most, len(samples) - 1) + 1e-12


@given(SEEDS, st.sampled_from([2.0**-1000, 2.0**-300, -4.0, 2.0**300, 2.0**1015]))
@pytest.mark.parametrize("quantity", [rankme, participation_ratio, alpha_req])
def test_scale_turns_and_order_change_nothing(quantity, seed: int, scale: float) -> None:
    samples = normal(seed, 40, 6)
    turn = torch.linalg.qr(normal(seed, 6, 6)).Q
    expected = float(quantity(samples))
    assert float(quantity(samples * scale)) == pytest.approx(expected, rel=1e-9)
    assert float(quantity(samples @ turn)) == pytest.approx(expected, rel=1e-9)
    assert float(quantity(samples.flip(0))) == pytest.approx(expected, rel=1e-9)


@given(SEEDS, st.floats(-1000, 1000))
@pytest.mark.parametrize("quantity", [participation_ratio, alpha_req])
def test_the_covariance_knows_no_shift(quantity, seed: int, shift: float) -> None:
    samples = normal(seed, 40, 6)
    assert float(quantity(samples + shift)) == pytest.approx(float(quantity(samples)), rel=1e-7)
