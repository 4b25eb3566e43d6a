"""How sure a ranking is: units are drawn anew, and all checkpoints ranked again, many times."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata, t

__all__ = ["DRAWS", "LEVEL", "RankUncertainty", "draw_means", "rank_uncertainty", "ranks_of_draws"]

DRAWS = 1000
LEVEL = 0.9  # of every interval
_TAIL = (1 - LEVEL) / 2
_DRAWS_AT_ONCE = 100  # ranking a thousand checkpoints in all draws at once would take half a gigabyte

Floats = NDArray[np.float64]


class RankUncertainty(NamedTuple):
    """What the draws say of each checkpoint.

    Attributes:
        rank_interval: ``[checkpoints, 2]``, lowest and highest rank of the middle 90 % of the draws.
        probability_best: ``[checkpoints]``, share of draws that it leads; shared leads are divided.
        in_best_set: ``[checkpoints]``, whether it is at least as good as the observed best in 5 % of the draws or more.
    """

    rank_interval: NDArray[np.int64]
    probability_best: Floats
    in_best_set: NDArray[np.bool_]


def draw_means(unit_values: Sequence[Floats], members: Sequence[int] | None = None, *, order: int, seed: int) -> Floats:
    """Bootstrap means of one layer of every checkpoint.

    Units are drawn with replacement, the same for every checkpoint with as many units: in one run a unit stays itself,
    and what its checkpoints share cancels in their differences. Deviations are scaled up by the quotient of the
    quantiles of Student and Gauss and by sqrt(n / (n - 1)), since the bootstrap is too narrow for few units.

    Args:
        unit_values: of each checkpoint ``[units]``; for mutual information the mean over the pairs of that unit.
        members: of each checkpoint the number of its group. Given, groups are drawn for, and within a group of several
            checkpoints these are drawn instead of their units, which are part of what differs between them.
        order: how many units one value hangs on: 1 for entropy, 2 for mutual information (the first-order part of a
            U-statistic moves twice as much as the mean over units).
        seed: of a private generator.

    Returns:
        ``[checkpoints or groups, DRAWS]``.

    Reference:
        Davison and Hinkley (1997), Bootstrap Methods, section 3.8 (which level of nested data to draw); Hesterberg
        (2015), What Teachers Should Know About the Bootstrap, section 5 (too narrow); Serfling (1980), section 5.3
        (projection of U-statistics).
    """
    # Weights once for all checkpoints of a width: for a thousand of them the draws would take a minute.
    weights = {count: _weights(count, seed) for count in {len(values) for values in unit_values}}
    draws = np.stack([_drawn(values, weights[len(values)], order) for values in unit_values])
    if members is None:
        return draws
    means = np.array([values.mean() for values in unit_values])
    groups = np.asarray(members)
    drawn = []
    for group in range(groups.max() + 1):
        own = np.flatnonzero(groups == group)
        drawn.append(draws[own[0]] if len(own) == 1 else _drawn(means[own], _weights(len(own), seed + group + 1), 1))
    return np.stack(drawn)


def ranks_of_draws(draws: Floats) -> Floats:
    """Ranks within each layer, and by their median, the mean rank breaking ties, of every draw.

    Args:
        draws: ``[layers, checkpoints, DRAWS]``, lower is better.

    Returns:
        ``[checkpoints, DRAWS]``, from 1, equal ones sharing the smaller.
    """
    result = np.empty(draws.shape[1:])
    for start in range(0, draws.shape[2], _DRAWS_AT_ONCE):
        some = slice(start, start + _DRAWS_AT_ONCE)
        ranks = rankdata(draws[:, :, some], axis=1)
        # The mean rank, at most the number of checkpoints, decides only where medians (in steps of 1/4) are equal.
        order = np.median(ranks, axis=0) + ranks.mean(axis=0) / (8 * draws.shape[1])
        result[:, some] = rankdata(order.round(9), axis=0, method="min")
    return result


def rank_uncertainty(ranks: Floats, best: int) -> RankUncertainty:
    """Summarise the ranks of all draws.

    Args:
        ranks: ``[checkpoints, DRAWS]``.
        best: index of the checkpoint that leads the ranking.
    """
    leads = ranks == 1
    interval = np.quantile(ranks, [_TAIL, 1 - _TAIL], axis=1, method="nearest").T
    return RankUncertainty(
        rank_interval=interval.astype(np.int64),
        probability_best=(leads / leads.sum(axis=0)).mean(axis=1),
        in_best_set=(ranks <= ranks[best]).mean(axis=1) >= _TAIL,
    )


def _weights(count: int, seed: int) -> Floats:
    """How often each of so many values is drawn, with replacement: ``[DRAWS, count]``, rows sum to 1."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=DRAWS) / count


def _drawn(values: Floats, weights: Floats, order: int) -> Floats:
    """Means of the draws, widened for the small number of values: ``[DRAWS]``."""
    count, mean = len(values), values.mean()
    if count < 2:
        return np.full(DRAWS, mean)
    return np.asarray(mean + order * _widening(count) * (weights @ (values - mean)), dtype=np.float64)


@cache
def _widening(count: int) -> float:
    return float(np.sqrt(count / (count - 1)) * t.ppf(1 - _TAIL, count - 1) / norm.ppf(1 - _TAIL))
