"""The plane of both measures: where the layers of a run went, or where checkpoints stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from lightning_infomem._checks import check_one_each
from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.names import MOST_NAMED, name_ends, shorten_layer_names, shorten_name
from lightning_infomem.records.layer_courses import LayerCourses, layer_courses
from lightning_infomem.records.report import InformationReport

__all__ = ["plot_plane"]

_MOST_DOTS = 20  # moments; the dots of more would be a thick line
_MOST_PLACES = 15_000  # of all lines together: more are not seen, and would be megabytes of an SVG
_MANY_TIMES = 100  # two decades: what spans more has a logarithmic axis


def plot_plane(run: Sequence[InformationReport] | LayerCourses, *, names: Sequence[str] | None = None) -> Figure:
    """Draw mean mutual information against mean entropy: the ways of the layers of a run, or one point a checkpoint.

    Not the information plane of I(X;T) and I(T;Y): both measures here are of hidden units alone.

    Args:
        run: reports of one run, in any order, or the means of its layers; with names, reports of any checkpoints. At
            least one with a layer.
        names: one a report, for the points.

    Returns:
        A figure that belongs to no window and no pyplot state.

        * Without names, a line a layer, from dark for the first layer to bright for the last: an open circle at the
          first moment that has values, a large filled one at the last, with the layer's name, and dots between where
          there are at most 20 moments. A moment without a finite value leaves a gap. Of more than 15,000 moments of
          all layers together every line passes through as many, evenly chosen.
        * With names, a point a report: the means over the layers, each of which counts the same, that have a value.
        * Of more than 20 lines or points 20, evenly chosen, have their name, and the title says so.
        * The vertical axis is logarithmic where all values are positive and the highest is more than 100 times the
          lowest.

    Raises:
        ValueError: no report, none with a layer, another number of names than of reports, or names of means.

    Cost:
        About 3 s for 100 small layers at 500 moments, nearly all of it their means.
    """
    courses = layer_courses(run)
    title = courses.measurement
    figure = Figure(figsize=(8, 5.2), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel("mean entropy (nats)", fontsize=style.HEADING)
    axes.set_ylabel("mean mutual information (nats)", fontsize=style.HEADING)
    style.frame(axes)
    if names is None:
        labels = shorten_layer_names(courses.names)
        ends = _draw_ways(axes, courses)
        _explain(figure, courses)
    else:
        if isinstance(run, LayerCourses):
            raise UsageValueError("names: reports are required beside them, got means of layers; leave the names out.")
        check_one_each(names, len(run), name="names", of="reports")
        labels = [shorten_name(name) for name in names]
        ends = _draw_points(axes, run)
    name_ends(axes, ends, labels)
    if len(labels) > MOST_NAMED:
        title += f" · {MOST_NAMED} of {len(labels)} named"
    figure.suptitle(title, fontsize=style.HEADING)
    return figure


def _draw_ways(axes: Axes, courses: LayerCourses) -> list[tuple[float, float] | None]:
    """A line a layer; returns where they end, None for a layer without any value."""
    _scale(axes, courses.mutual_information)
    colors = style.line_colors(len(courses.names))
    dots = "." if len(courses.moments) <= _MOST_DOTS else ""
    # Lines of many layers are a bundle: thin ones let those below be seen.
    width, opacity = (style.MEDIUM, style.SOLID) if len(courses.names) <= MOST_NAMED else (style.HAIR, style.DIM)
    moments, most = len(courses.moments), max(2, _MOST_PLACES // len(courses.names))
    drawn = np.linspace(0, moments - 1, min(moments, most)).round().astype(int)
    ends: list[tuple[float, float] | None] = []
    for x, y, color in zip(courses.entropy, courses.mutual_information, colors, strict=True):
        axes.plot(x[drawn], y[drawn], color=color, linewidth=width, alpha=opacity, marker=dots, markersize=style.DOT)
        known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        if not len(known):
            ends.append(None)
            continue
        first, last = known[0], known[-1]
        if first < last:
            axes.plot(x[first], y[first], color=color, zorder=3, **style.FIRST)
        axes.plot(x[last], y[last], color=color, zorder=4, **style.LAST)
        ends.append((float(x[last]), float(y[last])))
    return ends


def _draw_points(axes: Axes, reports: Sequence[InformationReport]) -> list[tuple[float, float] | None]:
    """A point a report; returns them, None for a report without a value."""
    points = np.array([_means(report) for report in reports])
    _scale(axes, points[:, 1])
    axes.plot(points[:, 0], points[:, 1], color=style.BLUE, alpha=style.SOLID, **style.LAST)
    return [(float(x), float(y)) if math.isfinite(x) and math.isfinite(y) else None for x, y in points]


def _means(report: InformationReport) -> tuple[float, float]:
    """Over the layers that have a value, as the metrics of a report are; NaN without any."""
    if not report.layers:
        return math.nan, math.nan
    courses = layer_courses([report])
    return _mean(courses.entropy), _mean(courses.mutual_information)


def _mean(values: NDArray[Any]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _scale(axes: Axes, values: ArrayLike) -> None:
    known = np.asarray(values)[np.isfinite(values)]
    if len(known) and 0 < known.min() * _MANY_TIMES < known.max():
        axes.set_yscale("log")


def _explain(figure: Figure, courses: LayerCourses) -> None:
    if len(courses.moments) == 1:
        return
    first, last = (
        f"{which}: {courses.unit} {courses.moments[index]:,}" for which, index in (("first", 0), ("last", -1))
    )
    handles = [
        Line2D([], [], color=style.DARK, label=first, **style.FIRST),
        Line2D([], [], color=style.DARK, label=last, **style.LAST),
    ]
    if len(courses.names) > 1:
        shades = style.line_colors(2)
        ends = zip(("first layer", "last layer"), shades, strict=True)
        handles += [Line2D([], [], color=color, linewidth=style.THICK, label=label) for label, color in ends]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=style.LABEL)
