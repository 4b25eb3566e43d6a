"""Other people's estimators, and our own done the slow and obvious way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma
from sklearn.feature_selection._mutual_info import _compute_mi_cc

Floats = NDArray[np.floating]


def standardized(samples: Floats) -> Floats:
    return (samples - samples.mean(0)) / samples.std(0)


def brute_force_ksg(x: Floats, y: Floats, neighbors: int) -> float:
    """Kraskov et al. (2004), eq. 8, as it stands: compare every point with every other. Wrong on ties."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    along_x, along_y = np.abs(x[:, None] - x), np.abs(y[:, None] - y)
    in_plane = np.maximum(along_x, along_y)
    # In its own row the point itself is the first of k + 1, and one of those strictly inside.
    radius = np.partition(in_plane, neighbors, axis=1)[:, neighbors, None]
    inside_x, inside_y = (np.sum(along < radius, axis=1) - 1 for along in (along_x, along_y))
    return float(digamma(neighbors) + digamma(len(x)) - np.mean(digamma(inside_x + 1)) - np.mean(digamma(inside_y + 1)))


def brute_force_tie_rule(x: Floats, y: Floats, neighbors: int) -> float:
    """The estimator for tied data, point by point; distances in the precision of ``x`` and ``y``."""
    terms = [_tie_rule_term(np.abs(x - x[i]), np.abs(y - y[i]), i, neighbors) for i in range(len(x))]
    return float(digamma(neighbors) + digamma(len(x)) - np.mean(terms))


def _tie_rule_term(along_x: Floats, along_y: Floats, point: int, neighbors: int) -> float:
    along_x, along_y = np.delete(along_x, point), np.delete(along_y, point)
    in_plane = np.maximum(along_x, along_y)
    radius = np.sort(in_plane)[neighbors - 1]
    strict = [int(np.sum(along < radius)) for along in (along_x, along_y)]
    closed = [int(np.sum(along <= radius)) for along in (along_x, along_y)]
    if radius > 0 and sum(closed) - sum(strict) == 1:
        return float(digamma(strict[0] + 1) + digamma(strict[1] + 1))
    in_ball = int(np.sum(in_plane <= radius))
    if radius == 0:
        return float(digamma(closed[0] + 1) + digamma(closed[1] + 1) - digamma(in_ball + 1) + digamma(neighbors))
    inside = int(np.sum(in_plane < radius))
    on_boundary, wanted = in_ball - inside, neighbors - inside
    mean = wanted / (on_boundary + 1)
    deviation = np.sqrt(mean * (1 - mean) / (on_boundary + 2))
    term = 0.0
    for along, n, c in zip((along_x, along_y), strict, closed, strict=True):
        tied = c - n
        on_axis = int(np.sum((in_plane == radius) & (along == radius)))
        for share in np.clip([mean - deviation, mean + deviation], 0, 1):
            count = n + (tied - on_axis) * share + (wanted - 1) * on_axis / on_boundary if tied else n
            term += float(digamma(count + 1)) / 2
    return term


def mean_over_dithers(x: Floats, y: Floats, neighbors: int, *, dithers: int, seed: int) -> float:
    """What the tie rule is an expectation of: the plain estimator with ties broken by tiny float64 noise."""
    generator = np.random.default_rng(seed)
    x, y = x.astype(np.float64), y.astype(np.float64)
    noise = 1e-10 * generator.standard_normal((dithers, 2, len(x)))
    return float(np.mean([brute_force_ksg(x + dx, y + dy, neighbors) for dx, dy in noise]))


def scikit_learn_ksg(x: Floats, y: Floats, neighbors: int) -> float:
    """Scikit-learn's estimator without its scaling and noise; it clips at zero. Wrong on ties."""
    return float(_compute_mi_cc(x.astype(np.float64), y.astype(np.float64), neighbors))


def histogram_entropy(values: Floats, bins: int, value_range: tuple[float, float] | None = None) -> float:
    """Entropy of `numpy.histogram` in float64, in nats."""
    counts, _ = np.histogram(values.astype(np.float64), bins=bins, range=value_range)
    shares = counts[counts > 0] / counts.sum()
    return float(-np.sum(shares * np.log(shares)))
