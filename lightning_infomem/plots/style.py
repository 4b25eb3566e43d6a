"""All colours, font sizes, line widths and marker sizes of the figures; each figure chooses its size in inches."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, LogNorm, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

# Palette of Okabe and Ito, distinguishable with every kind of colour vision.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, WHITE = "#E69F00", "#56B4E9", "black", "white"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
SERIES_MARKERS = "osD^vPX"  # for readers who see no colours

# Meanings of the colours.
INFORMATION, SMOOTHNESS, AGREEMENT = BLUE, GREEN, VERMILLION
ACCURACY, METRIC, ALARM, BEST = VERMILLION, PURPLE, ORANGE, BLUE
DATA, MODEL = SKY, ORANGE

# Greys, from legible to barely visible. No colormap contains the greys of cells without a value.
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

# Parts of the colormaps: bright yellow is hard to see on white, and the darkest violet hides a black tick.
_LEVELS, _LINES = (0.12, 0.8), (0.0, 0.8)
_MOMENTS = (0.0, 0.88)
# A frame would be invisible at the dark end.
_RANKS = (0.04, 0.74)

_MANY_TIMES = 100  # two decades: levels that span more, such as learning rates, have a logarithmic scale
_LONGEST_LINE = 44  # characters that fit beside a bar
_MOST_TICKS = 8  # levels with a tick each


def frame(axes: Axes, *, labels: float = LABEL) -> None:
    """Draw a pale grid behind the data, hide the right and top spines, and set the size of the tick labels."""
    axes.tick_params(labelsize=labels)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def frame_rows(axes: Axes) -> None:
    """Style a panel of named rows: vertical grid lines only, and no left spine either."""
    axes.tick_params(axis="x", labelsize=TEXT)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def set_round_ticks(axis: Axis, most: int) -> None:
    """Place ticks at round numbers, in at most ``most`` intervals."""
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))


def set_whole_ticks(axis: Axis, most: int) -> None:
    """Place ticks at whole numbers, in at most ``most`` intervals, and group their thousands."""
    axis.set_major_locator(MaxNLocator(most, integer=True, min_n_ticks=1))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def dot_size(count: int) -> float:
    """Return the size of ``count`` markers on a line, small enough not to hide the line."""
    return min(5.0, max(1.5, 150 / max(count, 1)))


def cloud_dot_size(count: int) -> float:
    """Return the size of ``count`` markers without a line, small enough not to merge into a band."""
    return min(7.0, max(3.0, 200 / max(count, 1)))


def value_colors(missing: str = MISSING) -> Colormap:
    """Return the colormap of the values in a map; missing values are grey."""
    return matplotlib.colormaps["viridis"].with_extremes(bad=missing)


def moment_colors() -> Colormap:
    """Return the colormap of the moments of a run."""
    return _cut("plasma", *_MOMENTS)


def rank_colors(goodness: NDArray[Any], differs: Sequence[bool]) -> NDArray[Any]:
    """Return colours from pale blue for 0 to dark blue for 1; transparent for NaN, grey in columns of equal ranks."""
    low, high = _RANKS
    colors = np.asarray(matplotlib.colormaps["Blues"](low + (high - low) * goodness))
    colors[np.isnan(goodness)] = (1, 1, 1, 0)
    colors[:, ~np.asarray(differs)] = to_rgba(NO_RANK)
    return colors


def line_colors(count: int) -> NDArray[Any]:
    """Return colours from the darkest violet for the first line to light green for the last."""
    low, high = _LINES
    return np.asarray(matplotlib.colormaps["viridis"](np.linspace(low, high, count)))


def level_colors(levels: Sequence[float]) -> NDArray[Any]:
    """Return colours from dark violet for the lowest level to light green for the highest.

    Args:
        levels: Finite levels, at least one. The scale is logarithmic if all are positive and span over two decades.

    Returns:
        Colour of each level, float64 ``[levels, 4]``.
    """
    return np.asarray(_cut("viridis", *_LEVELS)(_scale(levels)(np.asarray(levels, dtype=np.float64))))


def add_level_bar(figure: Figure, axes: Sequence[Axes], levels: Sequence[float], name: str) -> None:
    """Add a colour bar of the levels beside the panels.

    Args:
        figure: Figure of the panels.
        axes: Panels that the bar explains.
        levels: Levels passed to `level_colors`.
        name: Label of the bar.
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
