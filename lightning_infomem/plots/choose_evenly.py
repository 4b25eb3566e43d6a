"""Evenly spaced choice from a long sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["choose_evenly"]


def choose_evenly(count: int, most: int) -> NDArray[Any]:
    """Return at most ``most`` evenly spaced indices below ``count``, with the first and the last.

    >>> choose_evenly(9, 3).tolist()
    [0, 4, 8]
    """
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)
