"""Mutual information of pairs as a row of densities, one a layer or a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lightning_infomem.plots import style
from lightning_infomem.plots.density import mixture_density
from lightning_infomem.records.report import LayerInformation

__all__ = ["Ridge", "draw_ridges", "figure_height"]

_ROW_HEIGHT, _LOWEST, _HIGHEST = 0.14, 4.8, 8.0  # inches
_CROWDED = 20  # rows; of more the notes would touch one another
# Of all rows together and of each: the time to draw is then bounded whatever the network.
_MOST_VALUES, _MOST_VALUES_OF_A_ROW = 24_000, 3_000
_FEWEST_PAIRS = 10  # for a density
_SAME = 1e-9  # nats; estimates that differ by less than this are equal
# Of the peak: without it the tails of all rows would be long lines. Of many rows, each a few pixels high, more.
_SEEN, _SEEN_IN_A_CROWD = 0.01, 0.04
_FINE = 600  # points at which a density is evaluated, half of them where the values are
# Points of one curve and of all together: more are not seen, and would be most of an SVG.
_MOST_POINTS_OF_A_ROW, _MOST_POINTS = 300, 6_000


@dataclass(frozen=True, eq=False)
class Ridge:
    """What one row shows: the pairs of one layer, or those of several of which each counts the same.

    Attributes:
        values: float64 ``[values]``, nats: the finite pairs; of several layers as many of each.
        mean: over pairs, then over layers, nats; NaN without any pair.
        largest: of all pairs, nats; NaN without any.
        note: what the curve does not say.
    """

    values: NDArray[Any]
    mean: float
    largest: float
    note: str

    @classmethod
    def of(cls, layers: Sequence[LayerInformation]) -> Ridge:
        """Gather the pairs; of each layer evenly many quantiles where together they are more than can be drawn."""
        pairs = [layer.pairs().detach().cpu().double().numpy() for layer in layers]
        known = [values for values in pairs if len(values)]
        note = _note(layers, pairs)
        if not known:
            return cls(np.empty(0), np.nan, np.nan, note)
        mean = float(np.mean([values.mean() for values in known]))
        return cls(_equally_many(known), mean, float(max(values.max() for values in known)), note)


def figure_height(num_rows: int) -> float:
    """Inches in which so many rows can be told apart."""
    return min(max(_LOWEST, _ROW_HEIGHT * num_rows), _HIGHEST)


def draw_ridges(axes: Axes, ridges: Sequence[Ridge], colors: NDArray[Any]) -> None:
    """Draw a density a row, the first on top, each scaled to its own peak, with a black tick at the mean.

    The density is a mixture of up to five Gaussians, chosen by BIC, from the lowest pair to the highest; it is left out
    below 1 % of its peak, of more than 20 rows below 4 %. Pairs that are exactly 0, those of constant units, are a line
    at 0 and no part of it. Fewer than ten pairs, or equal ones, are lines. The axis shows 99 % of the pairs of every
    row, and its title names the largest value when that lies beyond.

    Args:
        axes: to draw on; the row of ``ridges[i]`` stands at ``len(ridges) - 1 - i``; its labels are left to the caller.
        ridges: at least one.
        colors: float64 ``[rows, 4]``.

    Cost:
        About 0.1 s a row, 5 s for 64 rows.
    """
    left, right = _common_range([ridge.values for ridge in ridges])
    is_crowded = len(ridges) > _CROWDED
    width, note_size = (style.HAIR, style.TINY) if is_crowded else (style.THIN, style.SMALL)
    for row, (ridge, color) in enumerate(zip(ridges, colors, strict=True)):
        base = len(ridges) - 1 - row
        axes.axhline(base, color=style.FAINT, linewidth=style.FINEST, zorder=0)
        continuous = ridge.values[ridge.values != 0]
        if len(continuous) >= _FEWEST_PAIRS and np.ptp(continuous) > _SAME:
            points, height = _curve(continuous, left, right, len(ridges))
            axes.fill(points, base + np.nan_to_num(height), color=(*color[:3], style.FILLED), linewidth=0)
            axes.plot(points, base + height, color=color, linewidth=width)
            lines = np.zeros(min(1, len(ridge.values) - len(continuous)))
        else:
            lines = np.unique(ridge.values)[:_FEWEST_PAIRS]  # more only where all are equal but for rounding
        axes.vlines(lines, base, base + 0.9, color=color, linewidth=style.THICK, label="pairs")
        if len(ridge.values):
            axes.vlines(ridge.mean, base, base + 0.45, color=style.BLACK, linewidth=style.TICK, label="mean")
        axes.annotate(
            ridge.note, (0.995, base + 0.9), xycoords=("axes fraction", "data"), ha="right", va="top",
            fontsize=note_size, color=style.DARK,
        )  # fmt: skip
    largest = max((ridge.largest for ridge in ridges if len(ridge.values)), default=right)
    beyond = f" · largest pair {largest:.3g} not shown" if largest > right else ""
    axes.set_xlim(left, right)
    axes.set_ylim(-0.1, len(ridges))
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(axis="x", labelsize=style.LABEL)
    axes.set_xlabel("mutual information of unit pairs (nats)", fontsize=style.HEADING)
    axes.set_ylabel("density, each to its peak", fontsize=style.HEADING)
    axes.set_title(f"black tick: mean{beyond}", fontsize=style.TEXT)


def _curve(values: NDArray[Any], left: float, right: float, num_rows: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The density where it is seen, to its peak; it falls to 0 at the lowest and the highest value.

    Beyond these no pair is, and below 0 few can be: a Gaussian knows nothing of it.
    """
    low, high = values.min(), values.max()
    # Evenly, and where the values are: a narrow peak would fall between even points.
    points = np.concatenate([np.linspace(left, right, _FINE // 2), np.quantile(values, np.linspace(0, 1, _FINE // 2))])
    points = np.unique(np.clip(points, max(low, left), min(high, right)))
    density = mixture_density(values, max_values=min(_MOST_VALUES_OF_A_ROW, _MOST_VALUES // num_rows))(points)
    height = 0.9 * density / density.max()
    kept = _evenly_along(points / (right - left), height, min(_MOST_POINTS_OF_A_ROW, _MOST_POINTS // num_rows))
    points, height = points[kept], height[kept]
    height[height <= (_SEEN if num_rows <= _CROWDED else _SEEN_IN_A_CROWD)] = np.nan
    return points[[0, *range(len(points)), -1]], np.concatenate([[0.0], height, [0.0]])


def _evenly_along(x: NDArray[Any], y: NDArray[Any], count: int) -> NDArray[Any]:
    """Indices of at most so many points of a curve, evenly along it; both ends and the peak are among them."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    return np.union1d(np.searchsorted(way, np.linspace(0.0, way[-1], count - 1)).clip(max=len(x) - 1), [y.argmax()])


def _equally_many(layers: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The values of one layer; of several, so many quantiles of each that all count the same.

    Else a wide layer would be all that is seen: the pairs grow with the square of its units.
    """
    if len(layers) == 1:
        return layers[0]
    count = min(max(map(len, layers)), max(1, _MOST_VALUES_OF_A_ROW // len(layers)))
    ranks = (np.arange(count) + 0.5) / count
    # Values that are there, not between two of them: exact zeros stay what they are.
    return np.concatenate([np.quantile(values, ranks, method="inverted_cdf") for values in layers])


def _common_range(rows: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """Where 99.5 % of the pairs of every row are, with a margin: one far pair must not flatten all others."""
    ends = [np.quantile(values, [0.001, 0.995]) for values in rows if len(values)] or [np.array([0.0, 1.0])]
    left, right = float(np.min(ends)), float(np.max(ends))
    margin = 0.05 * (right - left) if right - left > _SAME else 0.1
    return left - margin, right + margin


def _note(layers: Sequence[LayerInformation], pairs: Sequence[NDArray[Any]]) -> str:
    """What the curve does not say."""
    notes, num_pairs = [], sum(map(_num_pairs, layers))
    num_known, num_zero = sum(map(len, pairs)), sum(int((values == 0).sum()) for values in pairs)
    ends = [end for values in pairs if len(values) for end in (values.min(), values.max())]
    if num_pairs == 0:
        notes.append("one unit: no pair" if len(layers) == 1 else "one unit a layer: no pair")
    elif num_known < num_pairs:
        notes.append(f"{num_pairs - num_known:,} of {num_pairs:,} pairs not finite")
    if num_zero:
        notes.append(f"{num_zero:,} of {num_known:,} pairs exactly 0")
    elif 0 < num_known < _FEWEST_PAIRS:
        notes.append(f"{num_known} pair{'s' if num_known > 1 else ''}")
    elif num_known and np.ptp(ends) <= _SAME:
        notes.append("all pairs equal")
    return ", ".join(notes)


def _num_pairs(layer: LayerInformation) -> int:
    count = len(layer.units)
    return count * (count - 1) // 2
