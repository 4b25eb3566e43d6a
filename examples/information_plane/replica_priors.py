"""Input distributions for `ReplicaLinear`: information and error of one coordinate under normal noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import log_expit

__all__ = ["BimodalPrior", "NormalPrior", "Prior", "SpikeSlabPrior"]

_REACH = 12.0  # standard deviations; the mass beyond is below float64 precision


class Prior(Protocol):
    """Distribution of x, independent across coordinates."""

    @property
    def variance(self) -> float:
        """Second moment; the mean is 0."""

    def scalar(self, precision: float) -> tuple[float, float]:
        """I(x;y) in nats for ``y = sqrt(precision) x + N(0, 1)``, and the mean squared error of E[x|y].

        The derivative of the former by the precision is half the latter (Guo, Shamai & Verdu 2005, eq. 1).
        """


@dataclass(frozen=True)
class NormalPrior:
    """Normal distribution with mean 0.

    Args:
        variance: Positive variance.
    """

    variance: float = 1.0

    def __post_init__(self) -> None:
        _check_variance(self.variance)

    def scalar(self, precision: float) -> tuple[float, float]:
        """See `Prior`."""
        return 0.5 * math.log1p(precision * self.variance), self.variance / (1 + precision * self.variance)


@dataclass(frozen=True)
class BimodalPrior:
    """1 or -1 with equal probability."""

    @property
    def variance(self) -> float:
        """See `Prior`."""
        return 1.0

    def scalar(self, precision: float) -> tuple[float, float]:
        """See `Prior`; by the trapezoid rule, which is exact to float64 for densities that decay like a normal one."""
        noise = np.arange(-_REACH, _REACH, 0.02)
        weights = 0.02 * np.exp(-0.5 * noise**2) / math.sqrt(2 * math.pi)
        log_odds = 2 * (precision + math.sqrt(precision) * noise)  # of x = 1, the true value
        unknown = -float(weights @ log_expit(log_odds))
        error = 4 * float(weights @ np.exp(log_expit(log_odds) + log_expit(-log_odds)))
        return math.log(2) - unknown, error


@dataclass(frozen=True)
class SpikeSlabPrior:
    """Zero or, with a given probability, normal with mean 0.

    Args:
        share: Probability of a nonzero value, between 0 and 1.
        slab_variance: Variance of the nonzero values.
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
        """See `Prior`; on a grid that is fine near the spike at 0 and reaches as far as the slab."""
        total = 1 + precision * self.slab_variance
        steps = np.linspace(-1, 1, 4001) * math.asinh(_REACH * math.sqrt(total))
        y = np.sinh(steps)
        weights = np.cosh(steps) * (steps[1] - steps[0])
        log_spike = math.log1p(-self.share) - 0.5 * y**2
        log_slab = math.log(self.share) - 0.5 * (y**2 / total + math.log(total))
        log_density = np.logaddexp(log_spike, log_slab) - 0.5 * math.log(2 * math.pi)
        density = weights * np.exp(log_density)
        slab = np.exp(log_slab - np.logaddexp(log_spike, log_slab))
        mean = math.sqrt(precision) * self.slab_variance / total * y  # of x if it is nonzero
        error = float(density @ (slab * self.slab_variance / total + slab * (1 - slab) * mean**2))
        return -float(density @ log_density) - 0.5 * math.log(2 * math.pi * math.e), error


def _check_variance(value: float, name: str = "variance") -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{name}: a positive number is required, got {value!r}; 1 is usual.")
