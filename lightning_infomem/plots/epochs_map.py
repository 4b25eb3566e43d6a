"""A run as two maps: mean entropy and mean mutual information, a row a layer and a column a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from lightning_infomem.plots import style
from lightning_infomem.plots.names import shorten_layer_names
from lightning_infomem.records.layer_courses import LayerCourses, layer_courses
from lightning_infomem.records.report import InformationReport

__all__ = ["plot_epochs_map"]

_MOST_LABELS = 20  # more would touch one another
_ROW_HEIGHT, _MARGIN_HEIGHT = 0.22, 1.6  # inches
_LOWEST, _HIGHEST = 2.6, 6.0  # inches
_SAME = 1e-9  # nats; a scale is no narrower


def plot_epochs_map(run: Sequence[InformationReport] | LayerCourses) -> Figure:
    """Draw mean entropy and mean mutual information of every layer at every measured moment of a run.

    Not for comparing two runs by eye: the scales follow the data.

    Args:
        run: its reports, in any order, at least one with a layer; or the means of its layers.

    Returns:
        A figure that belongs to no window and no pyplot state: entropy to the left, mutual information to the right,
        each with a scale of its own in nats. The first layer is on top. The columns are as wide as one another,
        however far their moments are apart; they are named by the epoch, by the step where epochs are not known or
        come twice, or else by the number of the measurement. A layer that was not measured at a moment, or has no
        finite value there, is grey.

    Raises:
        ValueError: no report, or none with a layer.

    Cost:
        About 3 s for 100 small layers at 500 moments, nearly all of it their means.
    """
    courses = layer_courses(run)
    num_layers = len(courses.names)
    height = min(max(_ROW_HEIGHT * num_layers + _MARGIN_HEIGHT, _LOWEST), _HIGHEST)
    figure = Figure(figsize=(10, height), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw(figure, left, courses.entropy, "mean entropy")
    _draw(figure, right, courses.mutual_information, "mean mutual information")
    for axes in (left, right):
        axes.set_xlabel(courses.unit, fontsize=style.HEADING)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: _name(courses.moments, place)))
        axes.tick_params(axis="x", labelsize=style.LABEL)
    stride = -(-num_layers // _MOST_LABELS)
    positions = range(0, num_layers, stride)
    names = shorten_layer_names(courses.names)
    left.set_yticks(positions, [names[position] for position in positions], fontsize=style.TEXT, parse_math=False)
    title = courses.measurement
    if stride > 1:
        title += f" · {num_layers} layers, one in {stride} named"
    figure.suptitle(title, fontsize=style.HEADING)
    return figure


def _draw(figure: Figure, axes: Axes, values: NDArray[Any], name: str) -> None:
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    if high - low <= _SAME:
        low, high = min(low, 0.0), max(high, 0.0) or 1.0
    image = axes.imshow(values, cmap=style.value_colors(), vmin=low, vmax=high, aspect="auto")
    axes.tick_params(axis="y", length=2)
    axes.set_title(name, fontsize=style.HEADING)
    bar = figure.colorbar(image, ax=axes, pad=0.02)
    bar.set_label("nats", fontsize=style.LABEL)
    bar.ax.tick_params(labelsize=style.TEXT)
    bar.ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


def _name(moments: Sequence[int], place: float) -> str:
    """Of the column in that place; empty beyond the map, where ticks may be asked for, too."""
    column = round(place)
    return f"{moments[column]:,}" if 0 <= column < len(moments) else ""
