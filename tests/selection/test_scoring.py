"""Ranks within layers, then their median."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lightning_infomem.selection.scoring import median_ranks

VALUES = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.integers(-3, 3))


def _low_first(*layers):
    return median_ranks(np.array(layers, dtype=float)).tolist()


def test_one_layer_gives_its_order():
    assert _low_first([0.3, 0.1, 0.2]) == [3, 1, 2]
    assert median_ranks(-np.array([[0.3, 0.1, 0.2]])).tolist() == [1, 3, 2]


def test_the_median_outvotes_one_layer_of_large_values():
    # Pooled values would follow the third layer.
    assert _low_first([1, 2, 3], [1, 2, 3], [900, 500, 100]) == [1, 2, 3]


def test_ties_of_the_median_are_broken_by_the_mean():
    # The first has the ranks 2, 3, 1, the second 1, 2, 2: both have the median 2, their means are 2 and 5/3.
    assert _low_first([2, 1, 3], [3, 2, 1], [1, 2, 3]) == [2, 1, 3]


def test_equal_checkpoints_share_the_smaller_rank():
    assert _low_first([0.1, 0.2, 0.2, 0.3], [1, 2, 2, 3]) == [1, 2, 2, 4]


@settings(deadline=None)
@given(VALUES)
def test_a_scale_of_its_own_for_each_layer_changes_nothing(values):
    scale = np.arange(1, len(values) + 1)[:, None] * 7.0
    ranks = median_ranks(values)
    assert median_ranks(values * scale + scale).tolist() == ranks.tolist()
    assert ranks.min() == 1


@settings(deadline=None)
@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_the_checkpoints_does_not_matter(values, random):
    order = list(range(values.shape[1]))
    random.shuffle(order)
    ranks = median_ranks(-values)
    assert median_ranks(-values[:, order]).tolist() == ranks[order].tolist()


def test_draws_are_ranked_as_single_rankings_are():
    values = np.random.default_rng(2).integers(0, 6, (3, 7, 50)).astype(float)  # many ties
    for draw, ranks in zip(values.transpose(2, 0, 1), median_ranks(values).T, strict=True):
        assert ranks.tolist() == median_ranks(draw).tolist()


def test_the_ends_swap_with_the_direction():
    values = np.array([[1.0, 5.0, 3.0], [2.0, 9.0, 4.0]])
    assert (median_ranks(values) + median_ranks(-values)).tolist() == [4, 4, 4]
