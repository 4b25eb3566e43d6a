"""Levels, such as the share of random labels, as colours."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = ["add_level_bar", "level_colors"]

# Without the ends of the scale: bright yellow is hard to see on white, and the darkest violet hides the median.
_DARKEST, _BRIGHTEST = 0.12, 0.8
_MANY_TIMES = 100  # two decades: levels that span more, such as learning rates, are told apart by their logarithm
_LONGEST_LINE = 44  # characters that fit beside a bar
_MOST_TICKS = 8  # levels that are named one by one


def level_colors(levels: Sequence[float]) -> NDArray[Any]:
    """From dark violet for the lowest to light green for the highest: told apart by every kind of colour vision.

    Args:
        levels: at least one, finite. The logarithm counts where all are positive and span more than two decades.

    Returns:
        float64 ``[levels, 4]``.
    """
    return np.asarray(_shades()(_scale(levels)(np.asarray(levels, dtype=np.float64))))


def add_level_bar(figure: Figure, axes: Sequence[Axes], levels: Sequence[float], name: str) -> None:
    """Say beside the panels which colour is which level.

    Args:
        figure: of the panels.
        axes: the panels.
        levels: as `level_colors` got them.
        name: of the level.
    """
    scale, known = _scale(levels), sorted(set(map(float, levels)))
    if len(known) == 1:  # a bar of one colour
        scale = Normalize(known[0] - 0.5, known[0] + 0.5)
    bar = figure.colorbar(
        ScalarMappable(scale, _shades() if len(known) > 1 else ListedColormap(level_colors(known))),
        ax=list(axes), fraction=0.03, aspect=30, pad=0.02,
    )  # fmt: skip
    if len(known) <= _MOST_TICKS:
        bar.set_ticks(known, labels=[f"{level:g}" for level in known])
        bar.minorticks_off()
    bar.set_label(textwrap.fill(name, _LONGEST_LINE), fontsize=12, parse_math=False)
    bar.ax.tick_params(labelsize=10)


def _shades() -> ListedColormap:
    return ListedColormap(matplotlib.colormaps["viridis"](np.linspace(_DARKEST, _BRIGHTEST, 256)))


def _scale(levels: Sequence[float]) -> Normalize:
    low, high = min(levels), max(levels)
    return LogNorm(low, high) if 0 < low * _MANY_TIMES < high else Normalize(low, high)
