"""The information plane of a run: I(T;Y) against I(X;T), a line a layer, coloured by the epoch."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from lightning_infomem.information_plane.comparable import check_comparable
from lightning_infomem.information_plane.plane import Plane
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.plots.end_names import name_ends
from lightning_infomem.plots.layer_names import shorten_layer_names

__all__ = ["plot_information_plane"]

_SHADES = "plasma"
_BRIGHTEST = 0.88  # of the scale of colours: its bright yellow is hard to see on white
_LONGEST_LINE = 95  # characters below the panel
_LINE_HEIGHT = 0.18  # inches
_KINDS = {"exact": "exact", "lower": "lower bound", "upper": "upper bound", "neither": "neither bound nor exact"}


def plot_information_plane(
    planes: Sequence[Plane], estimator: str | None = None, *, allow_mismatch: Sequence[str] = ()
) -> Figure:
    """Draw where the layers of a run went in the information plane, by one estimator.

    A line that turns to the left is called compression only together with a look at the geometry of the layer: most
    estimators tell of clusters, not of information. Not for comparing estimators: each has a figure of its own.

    Args:
        planes: of one run, in any order.
        estimator: its name, see `Plane.points`; by default the first.
        allow_mismatch: names of fields in which points may differ, such as a parameter that the data choose for each
            layer; see `check_comparable`. The figure says it.

    Returns:
        A figure that belongs to no window and no pyplot state: I(X;T) to the right and I(T;Y) upwards, both in bits; a
        line a layer, its points coloured by the epoch (or the number of the measurement), the last one named. Below
        stand the estimator with its parameters, what kind of number each coordinate is, the number of samples, and how
        many points are flagged as what. Points without a finite value are left out.

    Raises:
        ValueError: no plane, none with a point by this estimator, or points that were not measured alike.
    """
    if not planes:
        raise ValueError("planes: at least one is required, got none; measure first.")
    in_order = sorted(planes, key=lambda plane: (plane.epoch is None, plane.epoch or 0, plane.step or 0))
    if estimator is None:
        estimator = next((name for plane in in_order for own in plane.points.values() for name in own), "")
    courses: dict[str, list[tuple[float, PlanePoint]]] = {}
    are_epochs = all(plane.epoch is not None for plane in in_order)
    for number, plane in enumerate(in_order, start=1):
        for layer, points in plane.points.items():
            if estimator in points:
                moment = plane.epoch if are_epochs and plane.epoch is not None else number
                courses.setdefault(layer, []).append((float(moment), points[estimator]))
    if not courses:
        in_order[0].of(estimator)  # says which there are
    every = {f"{layer} at {moment:g}": point for layer, course in courses.items() for moment, point in course}
    notes = [*_notes(courses), *check_comparable(every, allow_mismatch)]
    notes = [line for words in notes for line in textwrap.wrap(words, _LONGEST_LINE)]
    figure = Figure(figsize=(7.6, 5.0 + _LINE_HEIGHT * len(notes)), layout="constrained")
    axes = figure.subplots()
    _draw(figure, axes, courses, "epoch" if are_epochs else "measurement")
    axes.set_xlabel("I(X;T) in bits", fontsize=12)
    axes.set_ylabel("I(T;Y) in bits", fontsize=12)
    axes.tick_params(labelsize=11)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(estimator, fontsize=13, parse_math=False)
    figure.supxlabel("\n".join(notes), fontsize=9, color="0.3", x=0.02, ha="left", parse_math=False)
    return figure


def _draw(figure: Figure, axes: Axes, courses: dict[str, list[tuple[float, PlanePoint]]], unit: str) -> None:
    moments = sorted({moment for course in courses.values() for moment, _ in course})
    low, high = moments[0], moments[-1]
    # Most happens in the first epochs.
    scale = LogNorm(max(low, 1), high) if high > 100 * max(low, 1) else Normalize(low, max(high, low + 1))
    shades = matplotlib.colormaps[_SHADES]
    ends: list[tuple[float, float] | None] = []
    for course in courses.values():
        known = [
            (moment, point.input_bits, point.label_bits)
            for moment, point in course
            if math.isfinite(point.input_bits) and math.isfinite(point.label_bits)
        ]
        if not known:
            ends.append(None)
            continue
        when, x, y = map(np.array, zip(*known, strict=True))
        colors = shades(_BRIGHTEST * scale(np.maximum(when, scale.vmin or 0)))
        axes.plot(x, y, color="0.7", linewidth=0.8, zorder=1)
        axes.scatter(x, y, c=colors, s=22, zorder=2, linewidths=0)
        axes.scatter(x[-1:], y[-1:], c=colors[-1:], s=70, zorder=3, edgecolors="black", linewidths=0.8)
        ends.append((float(x[-1]), float(y[-1])))
    name_ends(axes, ends, shorten_layer_names(list(courses)))
    if len(moments) > 1:
        cut = matplotlib.colors.ListedColormap(shades(np.linspace(0, _BRIGHTEST, 256)))
        bar = figure.colorbar(ScalarMappable(scale, cut), ax=axes, fraction=0.04, pad=0.02)
        bar.set_label(unit, fontsize=11)


def _notes(courses: dict[str, list[tuple[float, PlanePoint]]]) -> list[str]:
    """What must be known of the numbers."""
    points = [point for course in courses.values() for _, point in course]
    first = points[0]
    parameters = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in first.parameters.items())
    told = [
        f"{first.estimator}: {parameters or 'no parameters'}; {first.num_samples:,} samples",
        f"I(X;T): {_KINDS[first.input_kind]}; I(T;Y): {_KINDS[first.label_kind]}",
    ]
    counts: dict[str, int] = {}
    for point in points:
        for flag in point.flags:
            counts[flag] = counts.get(flag, 0) + 1
    if counts:
        flagged = ", ".join(f"{flag.replace('_', ' ')} {count}" for flag, count in counts.items())
        told.append(f"flagged, of {len(points)} points: {flagged}")
    return told
