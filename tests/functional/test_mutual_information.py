from __future__ import annotations

import functools
import importlib
import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_infomem.functional import mutual_information, pairwise_mutual_information
from lightning_infomem.functional.standardization import standardized_columns
from tests import oracles
from tests.functional.kinds_of_samples import CONTINUOUS, KINDS
from tests.functional.paired_columns import mean_and_standard_error, mutual_information_of_draws
from tests.known_answers import correlated_gaussians, counted_table

# Two orders of adding up some hundred terms of size 1 to 10 differ by less; one count that is off by one, by more.
ROUNDING_OF_A_SUM = 1e-12

# A backend that compiles does so for each of them, and for float32 and float64: few are enough.
NEIGHBORS = [1, 3, 16]

Oracle = Callable[[np.ndarray, np.ndarray, int], float]


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@functools.cache
def information_of(kind: str) -> Tensor:
    return pairwise_mutual_information(KINDS[kind])


def all_pairs(columns: np.ndarray, oracle: Oracle, neighbors: int) -> Tensor:
    """What ``oracle`` says of all pairs of rows of ``columns``."""
    values = torch.zeros(len(columns), len(columns), dtype=torch.float64)
    for i, j in itertools.combinations_with_replacement(range(len(columns)), 2):
        values[i, j] = values[j, i] = oracle(columns[i], columns[j], neighbors)
    return values


def assert_same(one: Tensor, other: Tensor, tolerance: float = ROUNDING_OF_A_SUM) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=tolerance)


# Oracles


def test_every_kind_of_samples_agrees_with_the_rule_taken_point_by_point(kind: str) -> None:
    columns, constant = standardized_columns(KINDS[kind])
    expected = all_pairs(columns.numpy(), oracles.brute_force_tie_rule, 3)
    expected[constant] = expected[:, constant] = 0.0
    assert_same(information_of(kind), expected)


@pytest.mark.parametrize("neighbors", NEIGHBORS)
@pytest.mark.parametrize("kind", CONTINUOUS)
def test_continuous_samples_agree_with_brute_force(kind: str, neighbors: int) -> None:
    columns = oracles.standardized(CONTINUOUS[kind].numpy()).T
    expected = all_pairs(columns, oracles.brute_force_ksg, neighbors)
    assert_same(pairwise_mutual_information(CONTINUOUS[kind], neighbors=neighbors), expected)


@pytest.mark.parametrize("neighbors", NEIGHBORS)
@pytest.mark.parametrize("kind", CONTINUOUS)
def test_continuous_samples_agree_with_scikit_learn_which_clips_at_zero(kind: str, neighbors: int) -> None:
    columns = oracles.standardized(CONTINUOUS[kind].numpy()).T
    expected = all_pairs(columns, oracles.scikit_learn_ksg, neighbors)
    assert_same(pairwise_mutual_information(CONTINUOUS[kind], neighbors=neighbors).clamp_min(0), expected)


def test_a_thousand_samples_agree_with_scikit_learn() -> None:
    draws = correlated_gaussians(0.6, num_samples=1000, num_draws=3)
    x, y = (oracles.standardized(part.numpy()).T for part in (draws.x, draws.y))
    expected = [oracles.scikit_learn_ksg(one, other, 3) for one, other in zip(x, y, strict=True)]
    assert_same(mutual_information_of_draws(draws.x, draws.y), torch.tensor(expected, dtype=torch.float64))


# Known answers


@pytest.mark.parametrize(
    ("correlation", "bias", "deviation"),
    [(0.0, 0.001, 0.024), (0.3, 0.0, 0.026), (0.6, 0.003, 0.03), (0.9, 0.01, 0.035), (0.99, 0.023, 0.039)],
)
def test_gaussians_have_the_information_of_their_correlation(correlation: float, bias: float, deviation: float) -> None:
    """Bias and deviation are the estimator's own at 1000 samples; three standard errors of 64 draws for chance."""
    x, y, truth = correlated_gaussians(correlation, num_samples=1000, num_draws=64)
    values = mutual_information_of_draws(x, y)
    assert float(values.mean()) == pytest.approx(truth + bias, abs=3 * deviation / 8)
    assert float(values.std()) == pytest.approx(deviation, rel=0.3)  # 64 draws know it to 9 %


def test_independent_units_share_no_information() -> None:
    values = mutual_information_of_draws(*correlated_gaussians(0.0, num_samples=400, num_draws=100)[:2])
    mean, standard_error = mean_and_standard_error(values)
    assert abs(mean) < 3 * standard_error + 0.002  # the bias at 400 samples
    assert bool((values < 0).any())  # raw: an estimate of nothing falls on both sides of zero


def test_a_relation_without_correlation_is_seen() -> None:
    x = torch.linspace(-1, 1, 301, dtype=torch.float64)
    assert abs(float(torch.corrcoef(torch.stack([x, x.square()]))[0, 1])) < 1e-12
    assert float(mutual_information(x, x.square())) > 2  # the truth is infinite


@pytest.mark.parametrize(
    "counts", [[[500, 0], [0, 500]], [[300, 200], [200, 300]], [[100, 50, 200], [250, 300, 100]], [[250, 250]] * 2]
)
def test_discrete_variables_have_the_information_of_their_table(counts: list[list[int]]) -> None:
    x, y, truth = counted_table(counts)
    # psi(c) is below ln(c) by 1/(2c): over four terms and cells of 50 and more that leaves less than 4/(2 * 50).
    bias = sum(map(len, counts)) / (2 * len(x))
    assert float(mutual_information_of_draws(x, y)) == pytest.approx(truth, abs=2 * bias)


def test_a_unit_against_itself_gives_the_closed_form() -> None:
    samples = CONTINUOUS["dependent"]
    for neighbors in NEIGHBORS:
        at_k, at_samples = torch.digamma(torch.tensor([neighbors, len(samples)], dtype=torch.float64))
        diagonal = pairwise_mutual_information(samples, neighbors=neighbors).diagonal()
        assert_same(diagonal, (at_samples - at_k).expand(4))


# What may not matter


def test_the_matrix_is_symmetric(kind: str) -> None:
    information = information_of(kind)
    assert torch.equal(information, information.T)
    assert information.dtype == torch.float64


def test_the_order_of_samples_does_not_matter(kind: str) -> None:
    samples = KINDS[kind]
    shuffled = samples[torch.randperm(len(samples), generator=torch.Generator().manual_seed(0))]
    assert_same(pairwise_mutual_information(shuffled), information_of(kind))


def test_the_order_of_units_does_not_matter(kind: str) -> None:
    order = torch.tensor([2, 0, 3, 1])
    expected = information_of(kind)[order[:, None], order]
    assert_same(pairwise_mutual_information(KINDS[kind][:, order]), expected)


def test_a_pair_gives_what_the_matrix_holds_either_way_round(kind: str) -> None:
    x, y = KINDS[kind][:, 1], KINDS[kind][:, 2]
    assert_same(mutual_information(x, y), information_of(kind)[1, 2])
    assert_same(mutual_information(y, x), information_of(kind)[1, 2])


@pytest.mark.parametrize("few", ["17 samples", "five samples of three values", "k + 1 samples tied"])
def test_a_limit_of_one_byte_changes_no_bit(few: str) -> None:
    assert torch.equal(pairwise_mutual_information(KINDS[few], memory_limit=1), information_of(few))


def test_layout_and_gradient_do_not_matter(kind: str) -> None:
    samples = KINDS[kind].T.contiguous().T.requires_grad_()
    information = pairwise_mutual_information(samples)
    assert torch.equal(information, information_of(kind))
    assert not information.requires_grad


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "rectified bfloat16"])
def test_half_precision_is_float32_with_fewer_digits(kind: str) -> None:
    assert torch.equal(pairwise_mutual_information(KINDS[kind]), pairwise_mutual_information(KINDS[kind].float()))


def test_float32_tells_what_float64_tells() -> None:
    samples = CONTINUOUS["dependent"]
    # Standardised values rounded to 6e-8 change the order of two distances once in a million comparisons; a count that
    # is off by one at one of 100 points would move the mean by up to psi(2) - psi(1) = 1 over 100.
    assert_same(pairwise_mutual_information(samples.float()), pairwise_mutual_information(samples), 0.01)


@pytest.mark.parametrize(("shape", "rectify"), [((401, 41), False), ((41, 101), False), ((41, 101), True)])
def test_odd_shapes_agree_with_the_rule_taken_point_by_point(shape: tuple[int, int], rectify: bool) -> None:
    samples = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    samples = samples.relu() if rectify else samples
    information = pairwise_mutual_information(samples)
    assert information.shape == (shape[1], shape[1])
    assert torch.equal(information, information.T)
    columns, _ = standardized_columns(samples)
    last = shape[1] - 1
    for i, j in ((0, last), (last, last), (last // 2, last // 2 + 1), (1, last // 3)):
        expected = oracles.brute_force_tie_rule(columns[i].numpy(), columns[j].numpy(), 3)
        assert float(information[i, j]) == pytest.approx(expected, abs=ROUNDING_OF_A_SUM)


def test_blocks_of_rows_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = KINDS["rectified"]
    information = pairwise_mutual_information(samples)
    module = importlib.import_module("lightning_infomem.functional.mutual_information")
    monkeypatch.setattr(module, "_PAIRS_AT_ONCE", 5)
    assert torch.equal(pairwise_mutual_information(samples), information)


def test_pairs_of_columns_are_what_the_matrix_holds() -> None:
    """The test-suite's own shortcut."""
    samples = KINDS["rectified"]
    values = mutual_information_of_draws(samples[:, :2], samples[:, 2:])
    assert_same(values, pairwise_mutual_information(samples)[[0, 1], [2, 3]])
