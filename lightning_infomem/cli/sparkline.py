"""Draw a series of numbers as one line of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.:-=+*#"
_SAME = 1e-9  # relative to the largest value; smaller differences are rounding errors


def sparkline(values: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """Draw values scaled from their minimum (lowest character) to their maximum; constant values are drawn mid-height.

    Args:
        values: Values to draw. If there are more than ``width``, each character is the mean of adjacent values.
        width: Maximum number of characters.
        ascii_only: Use ASCII characters, for encodings without block characters.

    Returns:
        One character per value, or per group of values; a space if none in the group is finite.

    >>> sparkline([0.0, 1.0, float("nan"), 2.0], 10, ascii_only=True)
    '_= #'
    """
    levels, top = _ASCII if ascii_only else _BLOCKS, len(_BLOCKS) - 1
    count = min(width, len(values))
    ends = [len(values) * index // count for index in range(count + 1)] if count else []
    means = [_mean(values[begin:end]) for begin, end in pairwise(ends)]
    finite = [mean for mean in means if math.isfinite(mean)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    is_flat = high - low <= _SAME * max(abs(low), abs(high))

    def character(mean: float) -> str:
        if not math.isfinite(mean):
            return " "
        return levels[top // 2 if is_flat else round(top * ((mean - low) / (high - low)))]

    return "".join(map(character, means))


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan
