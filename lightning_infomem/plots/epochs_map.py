"""Figure of a run as two maps, mean entropy and mean mutual information: one row per layer, one column per moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from lightning_infomem.plots import style
from lightning_infomem.plots.names import MOST_NAMED, shorten_layer_names
from lightning_infomem.records.layer_courses import LayerCourses, layer_courses
from lightning_infomem.records.report import InformationReport

__all__ = ["plot_epochs_map"]

_ROW_HEIGHT, _MARGIN_HEIGHT = 0.22, 1.6  # inches
_LOWEST, _HIGHEST = 2.6, 6.0  # inches
_SAME = 1e-9  # nats; a scale is no narrower


def plot_epochs_map(run: Sequence[InformationReport] | LayerCourses) -> Figure:
    """Draw mean entropy and mean mutual information of every layer at every measured moment of a run.

    Do not compare two runs by eye: the scales follow the data.

    Args:
        run: Reports of one run, in any order, at least one with a layer; or the means of its layers.

    Returns:
        A figure without a window or pyplot state. Left: entropy; right: mutual information; each has its own scale in
        nats. The first layer is on top. All columns have the same width, however far apart their moments are. Their
        labels are epochs; steps if epochs are unknown or occur twice; otherwise the numbers of the measurements. Cells
        without a finite value, or of a layer that was not measured at that moment, are grey.

    Raises:
        ValueError: There is no report, or none with a layer.

    Cost:
        About 3 s for 100 small layers at 500 moments, nearly all of it for the means.
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
    stride = -(-num_layers // MOST_NAMED)
    names = shorten_layer_names(courses.names)
    left.set_yticks(range(0, num_layers, stride), names[::stride], fontsize=style.TEXT, parse_math=False)
    left_out = f" · {num_layers} layers, one in {stride} named" if stride > 1 else ""
    figure.suptitle(courses.measurement + left_out, fontsize=style.HEADING)
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
    style.set_round_ticks(bar.ax.yaxis, 5)


def _name(moments: Sequence[int], place: float) -> str:
    """Return the moment of a column; empty beyond the map, where matplotlib may ask for ticks too."""
    column = round(place)
    return f"{moments[column]:,}" if 0 <= column < len(moments) else ""
