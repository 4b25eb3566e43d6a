"""Uncertainty of mutual information: units are drawn again many times."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

__all__ = ["DRAWS", "LEVEL", "draw_means"]

DRAWS = 1000
LEVEL = 0.9  # of every interval
_TAIL = (1 - LEVEL) / 2

Floats = NDArray[np.float64]


def draw_means(unit_values: Sequence[Floats], members: Sequence[int] | None = None, *, seed: int) -> Floats:
    """Draw bootstrap means of the mutual information in one layer of every checkpoint.

    Units are drawn with replacement, the same ones for every checkpoint with as many units: in one run a unit stays
    the same, and what its checkpoints share cancels in their differences. Deviations are multiplied by 2, because a
    value belongs to a pair of units: the first-order part of a U-statistic moves twice as much as a mean over units.
    They are also scaled up by the ratio of the quantiles of Student and Gauss and by sqrt(n / (n - 1)), because the
    bootstrap is too narrow for few units.

    Args:
        unit_values: For each checkpoint the mean mutual information of each unit with the others, ``[units]``.
        members: Number of the group of each checkpoint. If given, groups get the draws. In a group of several
            checkpoints, these are drawn instead of their units, which are part of what differs between them.
        seed: Seed of a private generator.

    Returns:
        ``[checkpoints or groups, DRAWS]``.

    Reference:
        Davison and Hinkley (1997), Bootstrap Methods, section 3.8 (which level of nested data to draw); Hesterberg
        (2015), What Teachers Should Know About the Bootstrap, section 5 (too narrow); Serfling (1980), section 5.3
        (projection of U-statistics).
    """
    # Weights are drawn once per width: drawing them for each of a thousand checkpoints would take a minute.
    weights = {count: _weights(count, seed) for count in {len(values) for values in unit_values}}
    draws = np.stack([_draw(values, weights[len(values)], scale=2) for values in unit_values])
    if members is None:
        return draws
    means = np.array([values.mean() for values in unit_values])
    groups = np.asarray(members)
    drawn = []
    for group in range(groups.max() + 1):
        places = np.flatnonzero(groups == group)
        several = len(places) > 1
        drawn.append(_draw(means[places], _weights(len(places), seed + group + 1)) if several else draws[places[0]])
    return np.stack(drawn)


def _weights(count: int, seed: int) -> Floats:
    """Return how often each of ``count`` values is drawn, with replacement: ``[DRAWS, count]``, rows sum to 1."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=DRAWS) / count


def _draw(values: Floats, weights: Floats, *, scale: int = 1) -> Floats:
    """Return means of the draws, widened because the values are few: ``[DRAWS]``."""
    count, mean = len(values), values.mean()
    if count < 2:
        return np.full(DRAWS, mean)
    return np.asarray(mean + scale * _widening(count) * (weights @ (values - mean)), dtype=np.float64)


@cache
def _widening(count: int) -> float:
    return float(np.sqrt(count / (count - 1)) * t.ppf(1 - _TAIL, count - 1) / norm.ppf(1 - _TAIL))
