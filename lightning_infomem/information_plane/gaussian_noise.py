"""Gaussian noise on each unit, which makes the information of a deterministic layer finite."""

from __future__ import annotations

import math

from lightning_infomem._checks import check_finite

__all__ = ["check_noise_variance", "noise_entropy"]


def check_noise_variance(value: object) -> None:
    """Require a positive finite number.

    Raises:
        TypeError: If the value is not a number.
        ValueError: If it is not positive and finite.
    """
    remedy = "without noise the information is infinite: 0.1 is usual for wide layers, 1e-3 for a few tanh units"
    check_finite(value, name="noise_variance", above=0, remedy=remedy)


def noise_entropy(num_units: int, noise_variance: float) -> float:
    """Differential entropy of independent noise on each unit, in nats; negative for low noise.

    >>> round(noise_entropy(2, 1.0), 6)
    2.837877
    """
    return num_units / 2 * (math.log(2 * math.pi * noise_variance) + 1)
