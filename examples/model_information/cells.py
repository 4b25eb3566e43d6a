"""Numbers with their intervals, as cells of a table."""

from __future__ import annotations

import math

__all__ = ["cell"]


def cell(mean: float, spread: float, decimals: int = 0) -> str:
    """A mean with half the width of its interval, where there is one.

    >>> cell(12.34, 5.6), cell(0.5, float("nan"), 2)
    ('12 ± 6', '0.50')
    """
    told = f"{mean:,.{decimals}f}"
    return told if math.isnan(spread) else f"{told} ± {spread:,.{decimals}f}"
