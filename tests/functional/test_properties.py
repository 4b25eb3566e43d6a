"""Laws that hold for any samples."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import digamma
from torch import Tensor

from lightning_infomem.functional import binned_entropy, pairwise_mutual_information
from lightning_infomem.functional.standardization import standardized_columns
from tests import oracles

ROUNDING_OF_A_SUM = 1e-12

law = settings(max_examples=30, deadline=None)


def tensors(elements: st.SearchStrategy[float], *, min_samples: int = 1, max_samples: int = 25) -> st.SearchStrategy:
    shapes = st.tuples(st.integers(min_samples, max_samples), st.integers(1, 4))
    return shapes.flatmap(lambda shape: arrays.arrays(np.float64, shape, elements=elements)).map(torch.tensor)


ANY_FINITE = st.floats(allow_nan=False, allow_infinity=False)
# Few values, so that most are tied, and distances too.
TIED = st.integers(-4, 4).map(float) | st.integers(-40, 40).map(lambda whole: whole / 10)
SEEDS = st.integers(0, 2**32 - 1)


def normal(seed: int, num_samples: int = 40, num_units: int = 2) -> Tensor:
    return torch.randn(num_samples, num_units, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Entropy


@law
@given(tensors(ANY_FINITE), st.integers(1, 300), st.sampled_from(["unit", "layer"]))
def test_entropy_lies_between_zero_and_the_logarithm_of_what_can_be_distinguished(
    samples: Tensor, bins: int, value_range: str
) -> None:
    entropies = binned_entropy(samples, bins=bins, value_range=value_range)
    assert ((entropies >= 0) & (entropies <= math.log(min(bins, len(samples))) + ROUNDING_OF_A_SUM)).all()


@law
@given(tensors(st.floats(-100, 100, width=32)), st.integers(1, 300))
def test_entropy_is_that_of_numpys_histogram(samples: Tensor, bins: int) -> None:
    low, high = float(samples.min()), float(samples.max())
    if high - low < 1e-9 * max(abs(low), abs(high), 1e-300):
        high = low + 1  # numpy refuses bins finer than the digits
    ours = binned_entropy(samples, bins=bins, value_range=(low, high))
    expected = [oracles.histogram_entropy(unit.numpy(), bins, (low, high)) for unit in samples.T]
    assert ours.tolist() == pytest.approx(expected, abs=ROUNDING_OF_A_SUM)


@law
@given(
    st.integers(-1000, 1000), st.integers(1, 300), st.integers(1, 120), st.sampled_from([0.01, 0.1, 0.3, 1 / 3, 1.0])
)
def test_entropy_on_a_lattice_is_that_of_numpys_histogram(start: int, count: int, bins: int, step: float) -> None:
    samples = torch.arange(start, start + count + 1, dtype=torch.float64)[:, None] * step
    ours = float(binned_entropy(samples, bins=bins))
    assert ours == pytest.approx(oracles.histogram_entropy(samples[:, 0].numpy(), bins), abs=ROUNDING_OF_A_SUM)


@law
@given(tensors(ANY_FINITE), st.integers(1, 300))
def test_entropy_does_not_depend_on_the_order_of_samples(samples: Tensor, bins: int) -> None:
    assert torch.equal(binned_entropy(samples.flip(0), bins=bins), binned_entropy(samples, bins=bins))


@law
@given(tensors(ANY_FINITE), st.integers(2, 5))
def test_repeating_all_samples_leaves_the_entropy(samples: Tensor, times: int) -> None:
    repeated = binned_entropy(samples.repeat(times, 1))
    torch.testing.assert_close(repeated, binned_entropy(samples), rtol=0, atol=ROUNDING_OF_A_SUM)


@law
@given(tensors(st.floats(-1e100, 1e100)), st.integers(-100, 100))
def test_entropy_of_a_units_own_range_is_blind_to_a_power_of_two(samples: Tensor, exponent: int) -> None:
    samples = torch.where(samples.abs() < 1e-100, 0, samples)  # nothing denormal, where scaling would round
    assert torch.equal(binned_entropy(samples * 2.0**exponent), binned_entropy(samples))


# Mutual information


@law
@given(tensors(ANY_FINITE | TIED, min_samples=5), st.sampled_from([1, 3]))
def test_information_is_symmetric_and_no_more_than_that_of_a_unit_with_itself(samples: Tensor, neighbors: int) -> None:
    """At least k - 1 points are counted along each axis: ``I <= psi(S) - psi(k)``, ties or not."""
    information = pairwise_mutual_information(samples, neighbors=neighbors)
    most = float(digamma(len(samples)) - digamma(neighbors))
    assert torch.equal(information, information.T)
    assert (information.abs() <= most + ROUNDING_OF_A_SUM).all()


@law
@given(tensors(TIED, min_samples=5), st.sampled_from([1, 3]))
def test_information_of_tied_samples_is_that_of_the_rule_taken_point_by_point(samples: Tensor, neighbors: int) -> None:
    columns, constant = standardized_columns(samples)
    information = pairwise_mutual_information(samples, neighbors=neighbors)
    for i, j in itertools.combinations_with_replacement(range(len(columns)), 2):
        expected = 0.0
        if not constant[i] and not constant[j]:
            expected = oracles.brute_force_tie_rule(columns[i].numpy(), columns[j].numpy(), neighbors)
        assert float(information[i, j]) == pytest.approx(expected, abs=ROUNDING_OF_A_SUM)


@law
@given(tensors(ANY_FINITE | TIED, min_samples=5), SEEDS)
def test_information_does_not_depend_on_the_order_of_samples(samples: Tensor, seed: int) -> None:
    shuffled = samples[torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed))]
    torch.testing.assert_close(
        pairwise_mutual_information(shuffled),
        pairwise_mutual_information(samples),
        rtol=0,
        atol=ROUNDING_OF_A_SUM,
    )


@law
@given(SEEDS, st.floats(0.01, 100), st.floats(-100, 100), st.sampled_from([-1, 1]))
def test_information_is_blind_to_affine_maps_of_a_unit(seed: int, scale: float, shift: float, sign: int) -> None:
    """The map rounds values by 1e-13 at most: among 40 samples no two distances are so close."""
    samples = normal(seed)
    expected = pairwise_mutual_information(samples)
    samples[:, 1] = sign * scale * samples[:, 1] + shift
    torch.testing.assert_close(pairwise_mutual_information(samples), expected, rtol=0, atol=ROUNDING_OF_A_SUM)


@law
@given(tensors(TIED, min_samples=5), st.integers(-900, 900))
def test_information_of_tied_samples_is_blind_to_a_power_of_two(samples: Tensor, exponent: int) -> None:
    assert torch.equal(pairwise_mutual_information(samples * 2.0**exponent), pairwise_mutual_information(samples))


@law
@given(SEEDS, st.sampled_from([-2.5, -1.0, 0.3, 7.0]))
def test_a_copy_has_the_information_of_the_unit_with_itself(seed: int, scale: float) -> None:
    x = normal(seed, num_units=1)
    information = pairwise_mutual_information(torch.cat([x, scale * x], dim=1))
    assert information.unique().numel() == 1
