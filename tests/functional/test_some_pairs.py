"""Some of the pairs instead of all, and what their mean says of all."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_infomem.functional import pairwise_mutual_information
from lightning_infomem.functional.pairs import choose_pairs, jackknife_error


def samples_of(num_units: int, num_samples: int = 80, *, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    common = torch.randn(num_samples, 1, generator=generator, dtype=torch.float64)
    return torch.randn(num_samples, num_units, generator=generator, dtype=torch.float64) + common


def test_given_pairs_have_the_numbers_of_the_matrix() -> None:
    samples = samples_of(6)
    matrix = pairwise_mutual_information(samples)
    given = [(0, 5), (3, 1), (2, 4), (0, 5)]
    found = pairwise_mutual_information(samples, pairs=given)
    assert found.pairs.tolist() == [list(pair) for pair in given]
    expected = torch.stack([matrix[pair] for pair in given])
    torch.testing.assert_close(found.information, expected, rtol=0, atol=1e-12)
    assert found.mean == pytest.approx(expected.mean().item())


def test_constant_and_lost_units_keep_their_special_values() -> None:
    samples = samples_of(5)
    samples[:, 1], samples[:, 3] = 2.0, math.nan
    found = pairwise_mutual_information(samples, pairs=[(0, 1), (3, 0), (0, 2), (4, 2), (0, 4)])
    assert found.information[0] == 0
    assert found.information.isnan().tolist() == [False, True, False, False, False]
    assert found.mean == pytest.approx(found.information[[0, 2, 3, 4]].mean().item())


def test_all_pairs_drawn_are_all_pairs_once() -> None:
    drawn = choose_pairs(15, 6, seed=3)
    assert sorted(drawn.tolist()) == torch.combinations(torch.arange(6)).tolist()


@pytest.mark.parametrize("num_units", [3, 1000, 100_000])
def test_drawn_pairs_are_different_pairs_of_different_units(num_units: int) -> None:
    count = min(500, num_units * (num_units - 1) // 2)
    drawn = choose_pairs(count, num_units, seed=0)
    assert (drawn[:, 0] < drawn[:, 1]).all()
    assert drawn.min() >= 0
    assert drawn.max() < num_units
    assert len(drawn.unique(dim=0)) == count


def test_drawing_is_uniform_and_repeatable_and_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    counts = torch.zeros(6, 6)
    for seed in range(300):
        first, second = choose_pairs(5, 6, seed=seed).T
        counts[first, second] += 1
    assert torch.equal(torch.random.get_rng_state(), before)
    drawn = counts[tuple(torch.triu_indices(6, 6, 1))]
    assert drawn.sum() == 1500
    # 100 expected, with a standard deviation of 8.2
    assert (drawn - 100).abs().max() < 4 * 8.2
    assert torch.equal(choose_pairs(5, 6, seed=7), choose_pairs(5, 6, seed=7))


def test_the_standard_error_is_that_over_units() -> None:
    """Values a_u + a_v of units drawn anew: the mean over pairs of n units has the variance 4 var(a) / n."""
    num_units, means, errors = 30, [], []
    pairs = torch.combinations(torch.arange(num_units))
    for seed in range(400):
        effects = torch.randn(num_units, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        values = effects[pairs].sum(1)
        means.append(values.mean())
        errors.append(jackknife_error(pairs, values))
    spread = torch.stack(means).std().item()
    assert spread == pytest.approx(2 / math.sqrt(num_units), rel=0.1)
    assert sum(errors) / len(errors) == pytest.approx(spread, rel=0.1)
    # Over pairs it would be the standard deviation of a pair, sqrt(2), over the root of 435.
    assert math.sqrt(2 / len(pairs)) < spread / 4


def test_the_jackknife_leaves_out_one_unit_after_the_other() -> None:
    pairs, values = torch.tensor([[0, 4], [4, 7], [7, 0], [9, 0]]), torch.tensor([1.0, 2.0, 4.0, 8.0]).double()
    left = [values[(pairs != unit).all(1)].mean() for unit in (0, 4, 7, 9)]
    variance = 3 / 4 * (torch.stack(left) - torch.stack(left).mean()).square().sum()
    assert jackknife_error(pairs, values) == pytest.approx(variance.sqrt().item())


def test_an_error_that_cannot_be_known_is_not_a_number() -> None:
    assert math.isnan(jackknife_error(torch.tensor([[0, 1]]), torch.tensor([1.0])))
    assert math.isnan(jackknife_error(torch.tensor([[0, 1], [0, 2]]), torch.tensor([1.0, 2.0])))
    samples = samples_of(3)
    samples[:, 0] = math.nan
    assert math.isnan(pairwise_mutual_information(samples, pairs=[(0, 1)]).mean)


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        (0, ValueError, "pairs: a whole number >= 1 is required, got 0"),
        (11, ValueError, "pairs: at most the 10 of 5 units are required, got 11; lower it"),
        ([(0, 5)], ValueError, "pairs: indices of the 5 units are required, got 0 to 5; count from 0 to 4"),
        ([(2, 1), (3, 3)], ValueError, "pairs: two different units are required, got 3 with itself; leave"),
        (torch.zeros(2, 3).long(), ValueError, r"pairs: a number of pairs or whole numbers of shape \[pairs, 2\]"),
        (torch.zeros(0, 2).long(), ValueError, "pairs: .* at least one"),
        (torch.zeros(1, 2), TypeError, r"pairs: .* got a torch.float32 tensor .*; convert the indices with .long"),
    ],
)
def test_pairs_that_are_none_are_refused(pairs: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        pairwise_mutual_information(samples_of(5), pairs=pairs)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "failure",
    [
        MemoryError("Unable to allocate 3 TiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        torch.OutOfMemoryError("CUDA out of memory."),
    ],
)
def test_out_of_memory_says_what_to_lower(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def exhausted(*arguments: object, **settings: object) -> torch.Tensor:
        raise failure

    monkeypatch.setattr("lightning_infomem.kernels.reference.mean_terms", exhausted)
    with pytest.raises(MemoryError, match=r"^samples: about .* MiB .* for 5 units of 80 samples on cpu, .*max_units"):
        pairwise_mutual_information(samples_of(5), backend="reference", memory_limit=2**22)


def test_another_error_of_a_kernel_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **settings: object) -> torch.Tensor:
        raise RuntimeError("a mistake")

    monkeypatch.setattr("lightning_infomem.kernels.reference.mean_terms", broken)
    with pytest.raises(RuntimeError, match=r"^a mistake$"):
        pairwise_mutual_information(samples_of(5), backend="reference")
