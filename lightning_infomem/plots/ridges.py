"""Rows of densities of the mutual information of pairs, one per layer or checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lightning_infomem.plots import style
from lightning_infomem.plots.density import mixture_density
from lightning_infomem.records.report import LayerInformation

__all__ = ["Ridge", "draw_ridges"]

_CROWDED = 20  # rows; the notes of more would touch
# Over all rows and per row, so that the time to draw is bounded for every network.
_MOST_VALUES, _MOST_VALUES_OF_A_ROW = 24_000, 3_000
_FEWEST_PAIRS = 10  # for a density
_SAME = 1e-9  # nats; estimates that differ by less than this are equal
# Shares of the peak below which no curve is drawn, or tails would be long lines; rows in a crowd are few pixels high.
_SEEN, _SEEN_IN_A_CROWD = 0.01, 0.04
_FINE = 600  # points at which a density is evaluated, half of them at quantiles of the values
# Points per curve and over all curves: more are invisible and would be most of an SVG.
_MOST_POINTS_OF_A_ROW, _MOST_POINTS = 300, 6_000


@dataclass(frozen=True, eq=False)
class Ridge:
    """Content of one row: the pairs of one layer, or of several layers with equal weights.

    Attributes:
        values: Finite pairs in nats, float64 ``[values]``; the same number from each layer if there are several.
        mean: Mean over pairs, then over layers, in nats; NaN without a pair.
        largest: Largest pair in nats; NaN without a pair.
        note: Facts that the curve does not show.
    """

    values: NDArray[Any]
    mean: float
    largest: float
    note: str

    @classmethod
    def of(cls, layers: Sequence[LayerInformation]) -> Ridge:
        """Collect the pairs of all layers; with several layers, an equal number of quantiles from each."""
        pairs = [layer.pairs().detach().cpu().double().numpy() for layer in layers]
        known = [values for values in pairs if len(values)]
        note = _note(layers, pairs)
        if not known:
            return cls(np.empty(0), np.nan, np.nan, note)
        mean = float(np.mean([values.mean() for values in known]))
        return cls(_equally_many(known), mean, float(max(values.max() for values in known)), note)


def draw_ridges(axes: Axes, ridges: Sequence[Ridge], colors: NDArray[Any]) -> None:
    """Draw one density per row, the first on top, each scaled to its peak, with a black tick at the mean.

    The density is a mixture of up to five Gaussians, chosen by BIC, from the lowest to the highest pair. It is left out
    below 1 % of its peak (4 % above 20 rows). Pairs that are exactly 0, those of constant units, are not part of it; a
    line at 0 stands for them. Fewer than ten pairs, or equal ones, are drawn as lines. The axis covers 99 % of the
    pairs of every row; if the largest value lies beyond, the title gives it.

    Args:
        axes: Panel to draw on. The base of ``ridges[i]`` is at ``len(ridges) - 1 - i``; the caller labels it.
        ridges: Rows to draw, at least one.
        colors: Colour of each row, float64 ``[rows, 4]``.

    Cost:
        About 0.1 s per row, 5 s for 64 rows.
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
            lines = np.unique(ridge.values)[:_FEWEST_PAIRS]  # there are more only if all are equal up to rounding
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
    style.set_round_ticks(axes.xaxis, 7)
    axes.tick_params(axis="x", labelsize=style.LABEL)
    axes.set_xlabel("mutual information of unit pairs (nats)", fontsize=style.HEADING)
    axes.set_ylabel("density, scaled to its peak", fontsize=style.HEADING)
    axes.set_title(f"black tick: mean{beyond}", fontsize=style.TEXT)


def _curve(values: NDArray[Any], left: float, right: float, num_rows: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the visible density, scaled to its peak; it falls to 0 at the lowest and the highest value.

    There are no pairs beyond these, and hardly any below 0, which Gaussians do not know.
    """
    low, high = values.min(), values.max()
    # Even points alone would miss a narrow peak; quantiles find it.
    points = np.concatenate([np.linspace(left, right, _FINE // 2), np.quantile(values, np.linspace(0, 1, _FINE // 2))])
    points = np.unique(np.clip(points, max(low, left), min(high, right)))
    density = mixture_density(values, max_values=min(_MOST_VALUES_OF_A_ROW, _MOST_VALUES // num_rows))(points)
    height = 0.9 * density / density.max()
    kept = _evenly_along(points / (right - left), height, min(_MOST_POINTS_OF_A_ROW, _MOST_POINTS // num_rows))
    points, height = points[kept], height[kept]
    height[height <= (_SEEN if num_rows <= _CROWDED else _SEEN_IN_A_CROWD)] = np.nan
    return points[[0, *range(len(points)), -1]], np.concatenate([[0.0], height, [0.0]])


def _evenly_along(x: NDArray[Any], y: NDArray[Any], count: int) -> NDArray[Any]:
    """Return at most ``count`` indices of points evenly spaced along a curve, with both ends and the peak."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    return np.union1d(
        np.searchsorted(length, np.linspace(0.0, length[-1], count - 1)).clip(max=len(x) - 1), [y.argmax()]
    )


def _equally_many(layers: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the values of a single layer, or an equal number of quantiles from each of several.

    Otherwise a wide layer would hide all others, because pairs grow with the square of the units.
    """
    if len(layers) == 1:
        return layers[0]
    count = min(max(map(len, layers)), max(1, _MOST_VALUES_OF_A_ROW // len(layers)))
    ranks = (np.arange(count) + 0.5) / count
    # Without interpolation, so that exact zeros stay exact.
    return np.concatenate([np.quantile(values, ranks, method="inverted_cdf") for values in layers])


def _common_range(rows: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """Return the range of the bulk of the pairs of every row, with a margin; one outlier must not flatten the rest."""
    ends = [np.quantile(values, [0.001, 0.995]) for values in rows if len(values)] or [np.array([0.0, 1.0])]
    left, right = float(np.min(ends)), float(np.max(ends))
    margin = 0.05 * (right - left) if right - left > _SAME else 0.1
    return left - margin, right + margin


def _note(layers: Sequence[LayerInformation], pairs: Sequence[NDArray[Any]]) -> str:
    """Return facts that the curve does not show."""
    notes, num_pairs = [], sum(math.comb(len(layer.units), 2) for layer in layers)
    num_known, num_zero = sum(map(len, pairs)), sum(int((values == 0).sum()) for values in pairs)
    ends = [end for values in pairs if len(values) for end in (values.min(), values.max())]
    if num_pairs == 0:
        notes.append("one unit: no pair" if len(layers) == 1 else "one unit per layer: no pair")
    elif num_known < num_pairs:
        notes.append(f"{num_pairs - num_known:,} of {num_pairs:,} pairs not finite")
    if num_zero:
        notes.append(f"{num_zero:,} of {num_known:,} pairs exactly 0")
    elif 0 < num_known < _FEWEST_PAIRS:
        notes.append(f"{num_known} pair{'s' if num_known > 1 else ''}")
    elif num_known and np.ptp(ends) <= _SAME:
        notes.append("all pairs equal")
    return ", ".join(notes)
