"""Mean and confidence interval of a value over repetitions with different seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import t

__all__ = ["mean_and_spread"]


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the half-width of its 95 % interval by Student's t, which is NaN for a single seed."""
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2 or not all(map(math.isfinite, values)):
        return mean, math.nan
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return mean, float(t.ppf(0.975, count - 1)) * math.sqrt(variance / count)
