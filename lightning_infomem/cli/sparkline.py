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
    levels = _ASCII if ascii_only else _BLOCKS
    means = [_mean(part) for part in _parts(values, width)]
    finite = [value for value in means if math.isfinite(value)]
    if not finite:
        return " " * len(means)
    low, high = min(finite), max(finite)
    is_flat = high - low <= _SAME * max(abs(low), abs(high))
    top = len(levels) - 1
    return "".join(
        " "
        if not math.isfinite(value)
        else levels[top // 2 if is_flat else round(top * ((value - low) / (high - low)))]
        for value in means
    )


def _parts(values: Sequence[float], width: int) -> list[Sequence[float]]:
    count = min(width, len(values))
    ends = [len(values) * index // count for index in range(count + 1)] if count else []
    return [values[begin:end] for begin, end in pairwise(ends)]


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan
