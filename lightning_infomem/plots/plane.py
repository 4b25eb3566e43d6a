"""Figure of mean mutual information against mean entropy, of the layers of a run or of checkpoints."""

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
from lightning_infomem.plots.choose_evenly import choose_evenly
from lightning_infomem.plots.names import MOST_NAMED, name_ends, shorten_layer_names, shorten_name
from lightning_infomem.records.layer_courses import LayerCourses, layer_courses
from lightning_infomem.records.report import InformationReport

__all__ = ["plot_plane"]

_MOST_DOTS = 20  # moments; more dots would be a thick line
_MOST_POINTS = 15_000  # over all lines: more are invisible and would take megabytes of an SVG
_MANY_TIMES = 100  # two decades: wider spans have a logarithmic axis


def plot_plane(run: Sequence[InformationReport] | LayerCourses, *, names: Sequence[str] | None = None) -> Figure:
    """Draw mean mutual information against mean entropy: a path per layer of a run, or a point per checkpoint.

    This is not the information plane of I(X;T) and I(T;Y): both measures here depend on hidden units alone.

    Args:
        run: Reports of one run, in any order, or the means of its layers; with ``names``, reports of any checkpoints.
            At least one has a layer.
        names: Name of each report, to draw points instead of paths.

    Returns:
        A figure without a window or pyplot state.

        * Without names: one line per layer, from dark for the first layer to bright for the last. An open circle marks
          the first moment with values; a large filled one, with the name of the layer, marks the last; dots mark those
          between if there are at most 20 moments. A moment without a finite value leaves a gap. Above 15,000 points
          over all layers, every line has the same number of evenly spaced points.
        * With names: one point per report, the means over its layers that have a value, with equal weights.
        * Above 20 lines or points, 20 evenly spaced ones are named, and the title says so.
        * The vertical axis is logarithmic if all values are positive and the highest is more than 100 times the lowest.

    Raises:
        ValueError: There is no report, or none with a layer; there are more or fewer names than reports; or there are
            names for means of layers.

    Cost:
        About 3 s for 100 small layers at 500 moments, nearly all of it for the means.
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
        ends = _draw_paths(axes, courses)
        if len(courses.moments) > 1:
            _add_legend(figure, courses)
    else:
        if isinstance(run, LayerCourses):
            raise UsageValueError("names: reports are required with names, got means of layers; leave the names out.")
        check_one_each(names, len(run), name="names", of="reports")
        labels = [shorten_name(name) for name in names]
        ends = _draw_points(axes, run)
    name_ends(axes, ends, labels)
    if len(labels) > MOST_NAMED:
        title += f" · {MOST_NAMED} of {len(labels)} named"
    figure.suptitle(title, fontsize=style.HEADING)
    return figure


def _draw_paths(axes: Axes, courses: LayerCourses) -> list[tuple[float, float] | None]:
    """Draw one line per layer; return the end of each, None for a layer without a value."""
    _scale(axes, courses.mutual_information)
    colors = style.line_colors(len(courses.names))
    dots = "." if len(courses.moments) <= _MOST_DOTS else ""
    # Thin, pale lines keep a bundle of many layers legible.
    width, opacity = (style.MEDIUM, style.SOLID) if len(courses.names) <= MOST_NAMED else (style.HAIR, style.DIM)
    drawn = choose_evenly(len(courses.moments), max(2, _MOST_POINTS // len(courses.names)))
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
    """Draw one point per report; return the points, None for a report without a value."""
    points = np.array([_means(report) for report in reports])
    _scale(axes, points[:, 1])
    axes.plot(points[:, 0], points[:, 1], color=style.BLUE, alpha=style.SOLID, **style.LAST)
    return [(float(x), float(y)) if math.isfinite(x) and math.isfinite(y) else None for x, y in points]


def _means(report: InformationReport) -> tuple[float, float]:
    """Average over the layers that have a value, as the metrics of a report do; NaN if there is none."""
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


def _add_legend(figure: Figure, courses: LayerCourses) -> None:
    first, last = (f"{courses.unit} {courses.moments[index]:,}" for index in (0, -1))
    handles = [
        Line2D([], [], color=style.DARK, label=f"first: {first}", **style.FIRST),
        Line2D([], [], color=style.DARK, label=f"last: {last}", **style.LAST),
    ]
    if len(courses.names) > 1:
        ends = zip(("first layer", "last layer"), style.line_colors(2), strict=True)
        handles += [Line2D([], [], color=color, linewidth=style.THICK, label=label) for label, color in ends]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=style.LABEL)
