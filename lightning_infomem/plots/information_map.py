"""Figure of the mutual information of all pairs of units of a layer as a map, with similar units side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage

from lightning_infomem._checks import check_choice
from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.choose_evenly import choose_evenly
from lightning_infomem.plots.names import shorten_layer_names
from lightning_infomem.records.descriptions import describe_measurement
from lightning_infomem.records.report import InformationReport, LayerInformation

__all__ = ["plot_information_map"]

_MOST_LAYERS, _MOST_IN_A_ROW = 16, 4
_MOST_UNITS = 256  # per layer
_MOST_CELLS = 120_000  # over all maps: more are smaller than a pixel and would take megabytes of an SVG
_MOST_TO_ORDER_BEST = 64  # units; the cost of the best order of leaves is cubic in their number
_MOST_NUMBERED = 24  # units of a single map; more numbers would touch
_CLIPPED_ABOVE = 0.995  # quantile of the pairs
_SAME = 1e-9  # nats; a scale is no narrower


def plot_information_map(report: InformationReport, layer: str | None = None) -> Figure:
    """Draw the mutual information of all pairs of units, ordered so that units that share much are side by side.

    Blocks on the diagonal are groups of units that carry the same information. Do not look for a unit of one report at
    the same place in another: the order follows the data.

    Args:
        report: Report with at least one layer. Above 16 layers, 16 evenly spaced ones are drawn, and the title says so.
        layer: Name of a single layer, drawn larger. By default all layers are drawn, in the order of the network.

    Returns:
        A figure without a window or pyplot state, with one map per layer. Rows and columns are units; the diagonal is
        blank.

        * Units are in the order of the leaves of a tree from average linkage. The distance of two units is the highest
          mutual information of the layer minus theirs. Units without a finite pair come next, then constant units, all
          of whose pairs are exactly 0. The title of the map gives the number of both.
        * All maps share one scale in nats. It ends at the 99.5th percentile of the drawn pairs that are not exactly 0,
          and starts at 0, or at the lowest pair if that is negative. If the largest pair lies beyond, the label of the
          scale gives it.
        * Pairs that are not finite are grey.
        * Above 256 units per layer, 256 evenly spaced ones are drawn, and the title of the map says so. With many
          layers there are fewer, so that all maps together have at most 120,000 cells: 173 units each for four layers,
          86 each for 16.

    Raises:
        ValueError: The report has no layer, or none of this name.

    Cost:
        About 0.1 s per layer of 256 units.

    Reference:
        Bar-Joseph, Gifford & Jaakkola 2001, Fast optimal leaf ordering: the order of up to 64 units.
    """
    if not report.layers:
        raise UsageValueError(
            f"report: at least one measured layer is required, got none ({len(report.skipped)} were skipped); "
            "see report.skipped for the reasons."
        )
    title = describe_measurement([report])
    if layer is not None:
        names = [each.name for each in report.layers]
        layers = [report[check_choice(layer, name="layer", choices=names)]]
    else:
        layers = [report.layers[index] for index in choose_evenly(len(report.layers), _MOST_LAYERS)]
        if len(layers) < len(report.layers):
            title += f" · {len(layers)} of {len(report.layers)} layers"
    most_units = min(_MOST_UNITS, int((_MOST_CELLS / len(layers)) ** 0.5))
    maps = [_ordered(each, most_units) for each in layers]
    low, high, largest = _scale([matrix for _, matrix, _ in maps])
    figure, panels, rows = _panels(len(layers))
    shades = style.value_colors()
    for axes, name, each, (units, matrix, note) in zip(
        panels, shorten_layer_names([each.name for each in layers]), layers, maps, strict=True
    ):
        # The size of the figure makes the maps nearly square; exact squares would overlap, as the layout ignores them.
        image = axes.imshow(matrix, cmap=shades, vmin=low, vmax=high, aspect="auto")
        # A second image makes the diagonal white, unlike the grey of pairs that are not finite.
        axes.imshow(np.where(np.eye(len(units)), 1.0, np.nan), cmap=ListedColormap([style.WHITE]), aspect="auto")
        counted = f"{len(units)} unit{'s' if len(units) > 1 else ''}"
        if len(units) < len(each.units):
            counted = f"{len(units)} of {len(each.units):,} units"
        axes.set_title(f"{name}\n{', '.join([counted, *note])}", fontsize=style.TEXT, parse_math=False)
        _number(axes, units if len(layers) == 1 else [])
    if len(layers) > 1 or len(units) > _MOST_NUMBERED:
        figure.supxlabel("units, similar ones side by side", fontsize=style.TEXT)
    label = "mutual information (nats)"
    if largest > high:
        label += f"\nup to the 99.5th percentile; largest {largest:.3g}"
    bar = figure.colorbar(
        image, ax=panels, extend="max" if largest > high else "neither", fraction=0.05, aspect=18 * rows, pad=0.02
    )
    bar.set_label(label, fontsize=style.TEXT)
    bar.ax.tick_params(labelsize=style.NOTE)
    style.set_round_ticks(bar.ax.yaxis, 6)
    figure.suptitle(title, fontsize=style.LABEL)
    return figure


def _panels(count: int) -> tuple[Figure, list[Axes], int]:
    columns = min(count, _MOST_IN_A_ROW)
    rows = -(-count // columns)
    size = (6.4, 5.6) if count == 1 else (2.3 * columns + 1.3, 2.75 * rows + 0.6)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in panels[count:]:
        axes.remove()
    return figure, panels[:count], rows


def _number(axes: Axes, units: Sequence[int]) -> None:
    """Label both axes with the numbers of the units if these fit."""
    if not 0 < len(units) <= _MOST_NUMBERED:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    axes.set_xticks(range(len(units)), map(str, units), fontsize=style.NOTE, rotation=90 if max(units) > 9 else 0)
    axes.set_yticks(range(len(units)), map(str, units), fontsize=style.NOTE)
    axes.set_xlabel("unit number, similar units side by side", fontsize=style.TEXT)
    axes.set_ylabel("unit number", fontsize=style.TEXT)


def _ordered(layer: LayerInformation, most_units: int) -> tuple[list[int], NDArray[Any], list[str]]:
    """Return the drawn units in order, their matrix with NaN on the diagonal, and notes for the title."""
    count = len(layer.units)
    chosen = choose_evenly(count, most_units)
    matrix = layer.mutual_information.detach().cpu().double().numpy()[np.ix_(chosen, chosen)]
    np.fill_diagonal(matrix, np.nan)  # the indexing above made a copy
    matrix[~np.isfinite(matrix)] = np.nan
    missing = np.isnan(matrix).all(1)
    dead = (np.isnan(matrix) | (matrix == 0)).all(1) & ~missing
    live = np.flatnonzero(~missing & ~dead)
    order = np.concatenate([live[_leaves(matrix[np.ix_(live, live)])], np.flatnonzero(missing), np.flatnonzero(dead)])
    note = [] if count > 1 else ["no pair"]
    if count > 1 and missing.any():
        note.append(f"{missing.sum()} not finite")
    if dead.any():
        note.append(f"{dead.sum()} constant")
    return layer.units[chosen[order]].tolist(), matrix[np.ix_(order, order)], note


def _leaves(matrix: NDArray[Any]) -> NDArray[Any]:
    """Return an order in which units that share much information are side by side."""
    if len(matrix) < 2:
        return np.arange(len(matrix))
    information = matrix[np.triu_indices(len(matrix), 1)]
    known = information[~np.isnan(information)]
    if not len(known):
        return np.arange(len(matrix))
    # Unknown pairs have the largest distance.
    distances = known.max() - np.where(np.isnan(information), known.min(), information)
    tree = linkage(distances, method="average", optimal_ordering=len(matrix) <= _MOST_TO_ORDER_BEST)
    return np.asarray(leaves_list(tree))


def _scale(matrices: Sequence[NDArray[Any]]) -> tuple[float, float, float]:
    """Return the lowest and the highest value of the colours, and the largest value."""
    known = np.concatenate([matrix[~np.isnan(matrix)] for matrix in matrices])
    # Without the pairs of constant units: if these prevail, all others would lie beyond the scale.
    varying = known[known != 0]
    if not len(varying):
        return 0.0, 1.0, 0.0
    low, high = min(0.0, float(varying.min())), float(np.quantile(varying, _CLIPPED_ABOVE))
    largest = float(known.max())
    return (low, high, largest) if high - low > _SAME else (low, low + 1.0, largest)
