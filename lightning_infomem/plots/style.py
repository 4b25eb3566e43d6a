"""Every colour, font size, line width and marker size of the figures; how many inches each has is its own affair."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, LogNorm, Normalize, to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

# Of Okabe and Ito: told apart by every kind of colour vision.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, WHITE = "#E69F00", "#56B4E9", "black", "white"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
SERIES_MARKERS = "osD^vPX"  # for those who see no colours

# What a colour stands for.
INFORMATION, ENTROPY, SMOOTHNESS, AGREEMENT = BLUE, VERMILLION, GREEN, VERMILLION
ACCURACY, METRIC, ALARM, BEST = VERMILLION, PURPLE, ORANGE, BLUE
DATA, MODEL = SKY, ORANGE

# Greys, from what is to be read to what is hardly to be seen. No colormap holds the greys of cells without a value.
INK, DARK, LEVEL, MIDDLE, PALE, FAINT, GRID = "0.15", "0.3", "0.45", "0.55", "0.6", "0.85", "0.92"
MISSING, UNKNOWN, NO_RANK = "0.75", "0.8", "0.93"

# Font sizes in points.
TITLE, HEADING, LABEL, TEXT, NOTE, SMALL, TINY = 13, 12, 11, 10, 9, 8, 6

# Widths of lines, sizes of markers (both in points), and opacities.
THICK, LINE, TICK, MEDIUM, DASHED, THIN, FINE, HAIR, FINEST = 2.0, 1.6, 1.5, 1.4, 1.3, 1.2, 1.0, 0.8, 0.6
BIG_DOT, MARK, DOT, SMALL_DOT = 9.0, 7.0, 6.0, 4.5
AREA = 22.0  # of markers in a cloud, square points
FIRST: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": DOT, "markerfacecolor": WHITE}
LAST: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": BIG_DOT, "markeredgecolor": BLACK}
LAST_OF_CLOUD: dict[str, Any] = {"s": 70.0, "edgecolors": BLACK, "linewidths": HAIR}
SOLID, DIM, FILLED, SHADED, BAND = 0.8, 0.6, 0.45, 0.22, 0.18

# Without the ends of the colormaps: bright yellow is hard to see on white, and the darkest violet hides a black tick.
_LEVELS, _LINES = (0.12, 0.8), (0.0, 0.8)
_MOMENTS = (0.0, 0.88)
# A frame could not be seen on the dark end.
_RANKS = (0.04, 0.74)

_MANY_TIMES = 100  # two decades: levels that span more, such as learning rates, are told apart by their logarithm
_LONGEST_LINE = 44  # characters that fit beside a bar
_MOST_TICKS = 8  # levels that are named one by one


def frame(axes: Axes, *, labels: float = LABEL) -> None:
    """Draw a pale grid below the data, and no frame to the right and on top; set the size of the numbers."""
    axes.tick_params(labelsize=labels)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def frame_rows(axes: Axes) -> None:
    """The same where every name to the left has a row: only the numbers below have a grid."""
    axes.tick_params(axis="x", labelsize=TEXT)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def dot_size(count: int) -> float:
    """The size of a marker among so many on a line: those of many would hide it."""
    return min(5.0, max(1.5, 150 / max(count, 1)))


def cloud_dot_size(count: int) -> float:
    """The size of a marker among so many that no line joins: those of many would be a band."""
    return min(7.0, max(3.0, 200 / max(count, 1)))


def value_colors(missing: str = MISSING) -> Colormap:
    """The colormap of values in a map; those that are missing are grey."""
    return matplotlib.colormaps["viridis"].with_extremes(bad=missing)


def moment_colors() -> Colormap:
    """The colormap of the moments of a run."""
    return _cut("plasma", *_MOMENTS)


def rank_colors(goodness: NDArray[Any], tells: Sequence[bool]) -> NDArray[Any]:
    """From pale blue for 0 to dark blue for 1; nothing for NaN, and grey in columns that tell nothing."""
    low, high = _RANKS
    colors = np.asarray(matplotlib.colormaps["Blues"](low + (high - low) * goodness))
    colors[np.isnan(goodness)] = (1, 1, 1, 0)
    colors[:, ~np.asarray(tells)] = to_rgba(NO_RANK)
    return colors


def line_colors(count: int) -> NDArray[Any]:
    """From the darkest violet for the first line to light green for the last."""
    low, high = _LINES
    return np.asarray(matplotlib.colormaps["viridis"](np.linspace(low, high, count)))


def level_colors(levels: Sequence[float]) -> NDArray[Any]:
    """From dark violet for the lowest to light green for the highest: told apart by every kind of colour vision.

    Args:
        levels: At least one, finite. The logarithm counts where all are positive and span more than two decades.

    Returns:
        float64 ``[levels, 4]``.
    """
    return np.asarray(_cut("viridis", *_LEVELS)(_scale(levels)(np.asarray(levels, dtype=np.float64))))


def add_level_bar(figure: Figure, axes: Sequence[Axes], levels: Sequence[float], name: str) -> None:
    """Say beside the panels which colour is which level.

    Args:
        figure: The figure of the panels.
        axes: The panels.
        levels: As `level_colors` got them.
        name: What the levels are.
    """
    scale, known = _scale(levels), sorted(set(map(float, levels)))
    if len(known) == 1:  # a bar of one colour
        scale = Normalize(known[0] - 0.5, known[0] + 0.5)
    colors = _cut("viridis", *_LEVELS) if len(known) > 1 else ListedColormap(level_colors(known))
    bar = figure.colorbar(ScalarMappable(scale, colors), ax=list(axes), fraction=0.03, aspect=30, pad=0.02)
    if len(known) <= _MOST_TICKS:
        bar.set_ticks(known, labels=[f"{level:g}" for level in known])
        bar.minorticks_off()
    bar.set_label(textwrap.fill(name, _LONGEST_LINE), fontsize=HEADING, parse_math=False)
    bar.ax.tick_params(labelsize=TEXT)


def _cut(name: str, low: float, high: float) -> ListedColormap:
    return ListedColormap(matplotlib.colormaps[name](np.linspace(low, high, 256)))


def _scale(levels: Sequence[float]) -> Normalize:
    low, high = min(levels), max(levels)
    return LogNorm(low, high) if 0 < low * _MANY_TIMES < high else Normalize(low, high)
