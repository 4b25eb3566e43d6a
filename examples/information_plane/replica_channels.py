"""Channels for `ReplicaLinear`: the entropy of a unit's value if part of its sum is known."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtr

__all__ = ["Channel", "LinearChannel", "ProbitChannel", "ReLUChannel"]

Floats = npt.NDArray[np.float64]

_REACH = 12.0  # standard deviations
_POINTS = 801


class Channel(Protocol):
    """Distribution of y given z."""

    def known_part(self, unknown: float, total: float) -> tuple[float, float]:
        """Entropy gap for z = known ``N(0, total - unknown)`` + unknown ``N(0, unknown)``.

        Returns:
            H(y | known part) - H(y | z) in nats, and the Fisher information about the known part, which is twice the
            derivative of the former by ``unknown`` (de Bruijn).
        """


@dataclass(frozen=True)
class _NoisyChannel:
    """Channel with noise added to the sum.

    Args:
        noise: Positive variance of the noise.
    """

    noise: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.noise < math.inf:
            raise ValueError(
                f"noise: a positive variance is required, got {self.noise!r}; without noise the information "
                "is infinite."
            )


@dataclass(frozen=True)
class LinearChannel(_NoisyChannel):
    """Linear channel ``y = z + N(0, noise)``.

    Args:
        noise: Positive variance of the noise.
    """

    def known_part(self, unknown: float, total: float) -> tuple[float, float]:
        """See `Channel`."""
        return 0.5 * math.log1p(unknown / self.noise), 1 / (unknown + self.noise)


class _NonlinearChannel(_NoisyChannel, ABC):
    """Channel that applies a nonlinearity to the sum and its noise."""

    def known_part(self, unknown: float, total: float) -> tuple[float, float]:
        """See `Channel`."""
        entropy, fisher = self._entropy(unknown, total)
        return entropy - self._entropy(0.0, total)[0], fisher

    @abstractmethod
    def _entropy(self, unknown: float, total: float) -> tuple[float, float]:
        """Entropy of y given the known part of the sum, and the Fisher information about that part."""


@dataclass(frozen=True)
class ProbitChannel(_NonlinearChannel):
    """Probit channel ``y = sign(z + N(0, noise))``.

    Args:
        noise: Positive variance of the noise.
    """

    def _entropy(self, unknown: float, total: float) -> tuple[float, float]:
        sums, weights, scale = _known_sums(unknown, total, self.noise)
        log_above, log_below = log_ndtr(sums), log_ndtr(-sums)
        entropy = -np.exp(log_above) * log_above - np.exp(log_below) * log_below
        fisher = np.exp(-(sums**2) - math.log(2 * math.pi) - log_above - log_below)
        return float(weights @ entropy), float(weights @ fisher) / scale**2


@dataclass(frozen=True)
class ReLUChannel(_NonlinearChannel):
    """ReLU channel ``y = max(0, z + N(0, noise))``, with noise before the rectifier as in Gabrie et al.

    y has a point mass at 0 and a density above, whose entropies add.

    Args:
        noise: Positive variance of the noise.
    """

    def _entropy(self, unknown: float, total: float) -> tuple[float, float]:
        sums, weights, scale = _known_sums(unknown, total, self.noise)
        log_below, above = log_ndtr(-sums), ndtr(sums)
        normal = np.exp(-0.5 * sums**2) / math.sqrt(2 * math.pi)
        squares = above - sums * normal  # E[t^2; t > -sums] of a standard normal t
        entropy = -np.exp(log_below) * log_below + above * 0.5 * math.log(2 * math.pi * scale**2) + 0.5 * squares
        fisher = np.exp(-(sums**2) - math.log(2 * math.pi) - log_below) + squares
        return float(weights @ entropy), float(weights @ fisher) / scale**2


def _known_sums(unknown: float, total: float, noise: float) -> tuple[Floats, Floats, float]:
    """Known parts of the sum in units of the deviation ``scale`` of the rest (noise included), and their weights."""
    scale = math.sqrt(unknown + noise)
    deviation = math.sqrt(max(total - unknown, 0.0)) / scale
    if deviation == 0:
        return np.zeros(1), np.ones(1), scale
    # Fine near the nonlinearity, within 1 of 0, and wide enough for all sums.
    steps = np.linspace(-1, 1, _POINTS) * math.asinh(_REACH * deviation)
    sums = np.sinh(steps)
    density = np.exp(-0.5 * (sums / deviation) ** 2) / (math.sqrt(2 * math.pi) * deviation)
    return sums, density * np.cosh(steps) * (steps[1] - steps[0]), scale
