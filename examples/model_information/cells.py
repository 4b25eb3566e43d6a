"""Format numbers with their intervals as table cells."""

from __future__ import annotations

import math

__all__ = ["cell"]


def cell(mean: float, spread: float, decimals: int = 0) -> str:
    """Format a mean and the half-width of its interval, which is left out if NaN.

    >>> cell(12.34, 5.6), cell(0.5, float("nan"), 2)
    ('12 ± 6', '0.50')
    """
    text = f"{mean:,.{decimals}f}"
    return text if math.isnan(spread) else f"{text} ± {spread:,.{decimals}f}"
