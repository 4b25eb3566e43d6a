"""Mean and confidence interval of a value over repetitions with different seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import t

__all__ = ["mean_and_spread", "means_with_spreads"]


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the half-width of its 95 % interval by Student's t, which is NaN for a single seed."""
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2 or not all(map(math.isfinite, values)):
        return mean, math.nan
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return mean, float(t.ppf(0.975, count - 1)) * math.sqrt(variance / count)


def means_with_spreads(**columns: Sequence[float]) -> dict[str, float]:
    """Return the mean of every column under its name, and the half-width of its interval under ``<name>_spread``."""
    found: dict[str, float] = {}
    for name, values in columns.items():
        found[name], found[f"{name}_spread"] = mean_and_spread(values)
    return found
