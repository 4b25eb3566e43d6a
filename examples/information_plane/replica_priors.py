"""Laws of one coordinate of the input, for `ReplicaLinear`: what it shares with itself under normal noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import log_expit

__all__ = ["BimodalPrior", "NormalPrior", "Prior", "SpikeSlabPrior"]

_REACH = 12.0  # standard deviations; beyond lies less than float64 resolves


class Prior(Protocol):
    """The law of x, independent in all coordinates."""

    @property
    def variance(self) -> float:
        """Second moment, the mean being 0."""

    def scalar(self, precision: float) -> tuple[float, float]:
        """Of ``y = sqrt(precision) x + N(0, 1)``: I(x;y) in nats, and the mean squared error of E[x|y].

        The derivative of the first by the precision is half of the second (Guo, Shamai & Verdu 2005, eq. 1).
        """


@dataclass(frozen=True)
class NormalPrior:
    """Normal of mean 0.

    Args:
        variance: positive.
    """

    variance: float = 1.0

    def __post_init__(self) -> None:
        _check_variance(self.variance)

    def scalar(self, precision: float) -> tuple[float, float]:
        """See `Prior`."""
        return 0.5 * math.log1p(precision * self.variance), self.variance / (1 + precision * self.variance)


@dataclass(frozen=True)
class BimodalPrior:
    """Either 1 or -1, each half of the time."""

    @property
    def variance(self) -> float:
        """See `Prior`."""
        return 1.0

    def scalar(self, precision: float) -> tuple[float, float]:
        """See `Prior`; by the trapezoid rule, which is exact to float64 for what decays like a normal law."""
        noise = np.arange(-_REACH, _REACH, 0.02)
        weights = 0.02 * np.exp(-0.5 * noise**2) / math.sqrt(2 * math.pi)
        log_odds = 2 * (precision + math.sqrt(precision) * noise)  # of 1, which it is
        unknown = -float(weights @ log_expit(log_odds))
        error = 4 * float(weights @ np.exp(log_expit(log_odds) + log_expit(-log_odds)))
        return math.log(2) - unknown, error


@dataclass(frozen=True)
class SpikeSlabPrior:
    """Zero, or, in a share of cases, normal of mean 0.

    Args:
        share: of the cases that are not zero, between 0 and 1.
        slab_variance: of these.
    """

    share: float = 0.2
    slab_variance: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share: a number between 0 and 1 is required, got {self.share!r}; .2 is usual.")
        _check_variance(self.slab_variance, "slab_variance")

    @property
    def variance(self) -> float:
        """See `Prior`."""
        return self.share * self.slab_variance

    def scalar(self, precision: float) -> tuple[float, float]:
        """See `Prior`; on a grid that is fine near 0, where the spike is, and reaches as far as the slab."""
        total = 1 + precision * self.slab_variance
        steps = np.linspace(-1, 1, 4001) * math.asinh(_REACH * math.sqrt(total))
        y = np.sinh(steps)
        weights = np.cosh(steps) * (steps[1] - steps[0])
        log_spike = math.log1p(-self.share) - 0.5 * y**2
        log_slab = math.log(self.share) - 0.5 * (y**2 / total + math.log(total))
        log_density = np.logaddexp(log_spike, log_slab) - 0.5 * math.log(2 * math.pi)
        density = weights * np.exp(log_density)
        slab = np.exp(log_slab - np.logaddexp(log_spike, log_slab))
        mean = math.sqrt(precision) * self.slab_variance / total * y  # of x, if it is not zero
        error = float(density @ (slab * self.slab_variance / total + slab * (1 - slab) * mean**2))
        return -float(density @ log_density) - 0.5 * math.log(2 * math.pi * math.e), error


def _check_variance(value: float, name: str = "variance") -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{name}: a positive number is required, got {value!r}; 1 is usual.")
