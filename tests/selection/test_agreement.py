"""Kendall's tau-b with interval, p-value and the smallest p that so few checkpoints allow."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import kendalltau

from lightning_infomem.selection.agreement import rank_agreement


def test_a_better_rank_with_a_higher_value_is_positive():
    assert rank_agreement([1, 2, 3, 4], [0.9, 0.7, 0.6, 0.1]).tau == pytest.approx(1)
    assert rank_agreement([1, 2, 3, 4], [0.1, 0.6, 0.7, 0.9]).tau == pytest.approx(-1)


@pytest.mark.parametrize(("count", "smallest"), [(3, 1 / 3), (4, 1 / 12), (5, 1 / 60), (6, 1 / 360)])
def test_no_p_value_is_smaller_than_few_checkpoints_allow(count, smallest):
    found = rank_agreement(range(1, count + 1), range(count, 0, -1))
    assert found.smallest_p == pytest.approx(smallest)
    assert found.p_value == pytest.approx(smallest)


@pytest.mark.parametrize("ties", [False, True])
def test_the_p_value_is_that_of_all_permutations(ties):
    ranks, values = [1, 2, 3, 4, 5, 6], [0.9, 0.4, 0.8, 0.3, 0.5, 0.3 if ties else 0.2]
    found = rank_agreement(ranks, values)
    observed = abs(kendalltau([-rank for rank in ranks], values).statistic)
    taus = [abs(kendalltau(ranks, order).statistic) for order in itertools.permutations(values)]
    exact = np.mean([tau >= observed - 1e-9 for tau in taus])
    assert found.p_value == pytest.approx(exact, abs=0.02 if ties else 1e-9)  # ties: 9,999 permutations, 4 sigma
    assert found.smallest_p <= min(np.mean([tau >= best - 1e-9 for tau in taus]) for best in taus) + 1e-12


@pytest.mark.parametrize(
    ("ranks", "values"),
    [
        ([1, 1, 2, 3, 4], [0.1, 0.2, 0.3, 0.3, 0.4]),
        ([1, 1, 1, 2, 3], [0.5, 0.5, 0.3, 0.3, 0.1]),
        ([1, 2, 2, 3, 3], [0.9, 0.9, 0.7, 0.5, 0.5]),
        ([1, 1, 2, 2, 3, 3], [0.1, 0.1, 0.1, 0.2, 0.2, 0.2]),
        ([1, 2, 3, 4, 5], [0.9, 0.9, 0.9, 0.9, 0.1]),
        ([1, 1, 1], [0.1, 0.2, 0.3]),
    ],
)
def test_with_ties_the_smallest_p_is_that_of_the_best_order(ranks, values):
    found = rank_agreement(ranks, values)
    signs = np.sign(np.subtract.outer(ranks, ranks))
    scores = [
        abs(int((signs * np.sign(np.subtract.outer(order, order))).sum())) for order in itertools.permutations(values)
    ]
    assert found.smallest_p == pytest.approx(np.mean([score == max(scores) for score in scores]), rel=1e-12)


def test_values_that_are_missing_are_left_out():
    found = rank_agreement([1, 2, 3, 4], [0.9, math.nan, 0.6, 0.1])
    assert (found.tau, found.num_compared) == (1, 3)
    with pytest.raises(ValueError, match="at least two finite ones are required, got 1"):
        rank_agreement([1, 2], [0.9, math.nan])
    with pytest.raises(ValueError, match="one for each of the 2 ranks is required, got 3"):
        rank_agreement([1, 2], [0.9, 0.8, 0.7])


def test_a_constant_column_agrees_with_nothing():
    found = rank_agreement([1, 2, 3], [0.5, 0.5, 0.5])
    assert math.isnan(found.tau)
    assert found.p_value == 1


def test_the_interval_covers_the_true_tau():
    # Two normal variables of correlation r have tau = 2 / pi arcsin r.
    generator = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        x, y = generator.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 20).T
        found = rank_agreement(-x, y, seed=seed)
        covered += found.low <= 2 / math.pi * math.asin(0.7) <= found.high
    assert 0.82 <= covered / 200 <= 0.97  # 90 % less the bootstrap's known lack at n = 20, 3 sigma of 200 cases


def test_the_answer_is_the_same_for_the_same_seed():
    ranks, values = np.arange(12), np.random.default_rng(1).integers(0, 4, 12)
    assert rank_agreement(ranks, values) == rank_agreement(ranks, values)
