"""Agreement of a ranking with a column of numbers: Kendall's tau-b with its interval and p-value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from lightning_infomem._errors import UsageValueError
from lightning_infomem.selection.uncertainty import LEVEL

__all__ = ["Agreement", "rank_agreement"]

_DRAWS = 2000
_PERMUTATIONS = 9999
_MOST_PERMUTED = 100  # beyond so many checkpoints the normal approximation is good, ties or not

Signs = NDArray[np.int8]


class Agreement(NamedTuple):
    """Agreement of a ranking with another column.

    Attributes:
        tau: Kendall's tau-b, positive if better ranks have higher values; NaN if ranks or values are constant.
        low: Lower end of the 90 % interval of tau, from checkpoints drawn with replacement.
        high: Upper end of that interval. If tau is 1 or -1, no draw differs and the interval is that point; look at
            ``p_value`` instead.
        p_value: Two-sided p-value of no agreement.
        smallest_p: Smallest p-value that is possible with so few checkpoints and such ties.
        num_compared: Number of checkpoints that have a value.
    """

    tau: float
    low: float
    high: float
    p_value: float
    smallest_p: float
    num_compared: int


def rank_agreement(ranks: Sequence[float], values: Sequence[float], *, seed: int = 0) -> Agreement:
    """Compare ranks, where 1 is best, with values; pairs with a value that is not finite are left out.

    The p-value is exact up to 33 checkpoints without ties, from 9,999 permutations with ties, and from the normal
    approximation beyond.

    Args:
        ranks: Ranks of the checkpoints.
        values: Values of the same checkpoints.
        seed: Seed of permutations and draws.

    Raises:
        ValueError: There are fewer than two finite values, or the sequences differ in length.

    Cost:
        Quadratic in the number of checkpoints.

    Reference:
        Kendall (1945), The treatment of ties in ranking problems, Biometrika 33(3), equation (6).

    >>> found = rank_agreement([1, 2, 3, 4, 5], [0.9, 0.8, 0.7, 0.6, 0.5])
    >>> print(f"{found.tau:.2f}, p = {found.p_value:.4f}")
    1.00, p = 0.0167
    """
    x, y = -np.asarray(ranks, dtype=float), np.asarray(values, dtype=float)
    if x.shape != y.shape:
        raise UsageValueError(f"values: one for each of the {len(x)} ranks is required, got {len(y)}.")
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(x) < 2:
        raise UsageValueError(f"values: at least two finite ones are required, got {len(x)}; give more.")
    smallest = _smallest_p(x, y)
    result = kendalltau(x, y)
    tau, p_value = float(np.clip(result.statistic, -1, 1)), float(result.pvalue)
    if math.isnan(tau):
        return Agreement(tau, math.nan, math.nan, 1.0, smallest, len(x))
    signs = [np.sign(column[:, None] - column[None, :]).astype(np.int8) for column in (x, y)]
    generator = np.random.default_rng(seed)
    has_ties = len(np.unique(x)) < len(x) or len(np.unique(y)) < len(y)
    if has_ties and len(x) <= _MOST_PERMUTED:
        p_value = _permutation_p(signs[0], signs[1], generator)
    low, high = _interval(signs[0], signs[1], generator)
    return Agreement(tau, low, high, max(p_value, smallest), smallest, len(x))


def _smallest_p(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the share of orders that agree or disagree most; with ties in both columns, one of the two can be more."""
    x, y = np.sort(x), np.sort(y)
    ends = [(_concordance(x, column), _log_orders(x, column)) for column in (y, y[::-1])]
    most = max(score for score, _ in ends)
    return min(1.0, sum(math.exp(orders - math.lgamma(len(x) + 1)) for score, orders in ends if score == most))


def _concordance(x: NDArray[np.float64], y: NDArray[np.float64]) -> int:
    """Return the magnitude of concordances minus discordances."""
    return abs(int(np.sum(np.sign(x[:, None] - x) * np.sign(y[:, None] - y))))


def _log_orders(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the logarithm of how many orders of y give each value of x the same values of y."""

    def log_ties(column: NDArray[np.float64]) -> float:
        return sum(math.lgamma(count + 1) for count in np.unique(column, return_counts=True, axis=0)[1])

    return log_ties(x) + log_ties(y) - log_ties(np.stack([x, y], axis=1))


def _permutation_p(x: Signs, y: Signs, generator: np.random.Generator) -> float:
    """Permute; ties stay ties, so that concordances minus discordances order permutations as tau-b does."""
    observed = abs(int((x.astype(np.int64) * y).sum()))
    reached = 0
    for _ in range(_PERMUTATIONS):
        order = generator.permutation(len(x))
        reached += abs(int((x * y[order][:, order]).sum(dtype=np.int64))) >= observed
    return (reached + 1) / (_PERMUTATIONS + 1)


def _interval(x: Signs, y: Signs, generator: np.random.Generator) -> tuple[float, float]:
    """Draw checkpoints with replacement; a checkpoint and its copy are tied in both columns."""
    count = len(x)
    weights = generator.multinomial(count, np.full(count, 1 / count), size=_DRAWS).astype(float)
    score, in_x, in_y = (
        ((weights @ pairs.astype(float)) * weights).sum(axis=1) for pairs in (x * y, np.abs(x), np.abs(y))
    )
    known = (in_x > 0) & (in_y > 0)
    taus = score[known] / np.sqrt(in_x[known] * in_y[known])
    low, high = np.quantile(taus, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
