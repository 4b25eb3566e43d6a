"""The released code's two measures: equal to its own numbers (tests/data/README.md) and to scikit-learn's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_infomem.functional.released_code import entropy, mean_information, pairwise_information
from tests import oracles

RELEASED = dict(np.load(Path(__file__).parents[1] / "data" / "bansal_information.npz"))
ACCURACY = 1e-9
ROUNDING_OF_A_SUM = 1e-12


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_entropies_equal_the_released_code(dtype: str) -> None:
    samples = torch.tensor(RELEASED[f"reps_{dtype}"])
    for bins in (10, 20, 30, 100, 256):
        for value_range, name in (("unit", "neuron"), ("layer", "global")):
            found = entropy(samples, bins=bins, value_range=value_range)
            expected = torch.tensor(RELEASED[f"entropy_{dtype}_bins{bins}_{name}"])
            torch.testing.assert_close(found, expected, rtol=0, atol=ROUNDING_OF_A_SUM)


@pytest.mark.parametrize("neighbors", [3, 10])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_information_equals_the_released_code_on_tied_and_constant_units_too(dtype: str, neighbors: int) -> None:
    found = pairwise_information(torch.tensor(RELEASED[f"reps_{dtype}"]), neighbors=neighbors)
    expected = torch.tensor(RELEASED[f"mi_{dtype}_k{neighbors}"])
    torch.testing.assert_close(found, expected, rtol=0, atol=ACCURACY)


@pytest.mark.parametrize("correlation", ["0.0", "0.5", "0.9"])
def test_single_pairs_equal_the_released_code(correlation: str) -> None:
    pair = torch.tensor(np.stack([RELEASED[f"gauss_rho{correlation}_{axis}"] for axis in "xy"], axis=1))
    for neighbors in (1, 3, 5, 10):
        found = pairwise_information(pair, neighbors=neighbors)[0, 1]
        assert float(found) == pytest.approx(float(RELEASED[f"gauss_rho{correlation}_mi_k{neighbors}"]), abs=ACCURACY)


def any_units(num_samples: int) -> Tensor:
    """Continuous, rectified, rounded and saturated ones, of unlike scales."""
    noise = torch.randn(num_samples, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    units = [
        noise[:, 0],
        (noise[:, 0] + noise[:, 1]).relu(),
        (10 * noise[:, 2]).round(),
        noise[:, 3].clamp(-1, 1) * 1e3,
    ]
    return torch.stack(units, dim=1)


@pytest.mark.parametrize(("num_samples", "neighbors"), [(5, 4), (41, 3), (300, 1), (300, 7)])
def test_information_equals_scikit_learns(num_samples: int, neighbors: int) -> None:
    samples = any_units(num_samples)
    found = pairwise_information(samples, neighbors=neighbors)
    assert torch.equal(found, found.T)
    for first in range(4):
        for second in range(4):
            theirs = oracles.scikit_learn_ksg(samples[:, first].numpy(), samples[:, second].numpy(), neighbors)
            # Theirs is never negative.
            assert max(float(found[first, second]), 0.0) == pytest.approx(theirs, abs=ROUNDING_OF_A_SUM)


def test_processes_share_the_work_and_their_sum_is_the_matrix() -> None:
    samples = any_units(60)
    whole = pairwise_information(samples)
    shares = [pairwise_information(samples, (process, 3)) for process in range(3)]
    assert torch.equal(sum(shares), whole)
    assert all((share == 0).sum() > 4 for share in shares)


def test_one_thread_and_several_give_the_same_bits() -> None:
    samples = any_units(60)
    whole = pairwise_information(samples)
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1 if num_threads > 1 else 2)
    try:
        assert torch.equal(pairwise_information(samples), whole)
    finally:
        torch.set_num_threads(num_threads)


def test_rows_and_units_that_are_not_finite_are_left_out() -> None:
    samples = any_units(60)
    damaged = torch.cat([samples, torch.full((60, 1), torch.nan, dtype=torch.float64)], dim=1)
    damaged[7, 0] = torch.inf
    kept = torch.arange(60) != 7
    with pytest.warns(UserWarning, match="1 of 60 rows hold non-finite values"):
        information = pairwise_information(damaged)
    assert torch.equal(information[:4, :4], pairwise_information(samples[kept]))
    assert information[4].isnan().all()
    assert information[:, 4].isnan().all()
    with pytest.warns(UserWarning, match="1 of 60 rows hold non-finite values"):
        entropies = entropy(damaged)
    assert torch.equal(entropies[:4], entropy(samples[kept]))
    assert entropies[4].isnan()


def test_a_constant_unit_has_no_entropy() -> None:
    samples = torch.stack([torch.full((50,), 0.1), torch.arange(50.0)], dim=1)
    assert entropy(samples)[0] == entropy(samples, value_range="unit")[0] == 0
    assert entropy(samples[:, :1], value_range=(0.1, 0.1)).tolist() == [0]


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="samples: more than neighbors=3 finite samples are required, got 3"):
        pairwise_information(torch.randn(3, 2))


def test_the_mean_is_over_all_finite_entries() -> None:
    matrix = torch.tensor([[4.0, 1.0, torch.nan], [1.0, 2.0, torch.nan], [torch.nan] * 3])
    assert mean_information(matrix) == 2.0
