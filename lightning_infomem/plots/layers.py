"""One report as a figure: the entropy of the units and the mutual information of their pairs, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import boxplot_stats
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lightning_infomem.plots.density import mixture_density
from lightning_infomem.plots.layer_names import shorten_layer_names
from lightning_infomem.plots.titles import describe_measurement
from lightning_infomem.records import InformationReport, LayerInformation

__all__ = ["plot_layers"]

_MOST_LAYERS = 64
_MOST_LABELS = 20  # more would touch one another
_ROOM_FOR_NAMES = 45  # characters in a line below the boxes
# Of all layers together and of each: the time to draw is then bounded whatever the network.
_MOST_VALUES, _MOST_VALUES_OF_A_LAYER = 24_000, 3_000
_FEWEST_PAIRS = 10  # for a density
# The interval of the median of fewer units than this reaches beyond the quartiles: the units are shown instead.
_FEWEST_UNITS = 16
_SAME = 1e-9  # nats; estimates that differ by less than this are equal


def plot_layers(report: InformationReport) -> Figure:
    """Draw the entropy of the units (notched boxes) and the mutual information of their pairs (densities).

    Not for comparing two reports by eye: the axes follow the data.

    Args:
        report: at least one layer; of more than 64 layers, 64 are drawn, evenly chosen, and the title says so.

    Returns:
        A figure that belongs to no window and no pyplot state.

        * Left, a box a layer over the entropies of its units in nats: the box spans the quartiles, the whiskers 1.5
          times as much, the notch the 95 % interval of the median (from order statistics). A layer of fewer than 16
          units has no notch and shows its units as points.
        * Right, a row a layer with the density of the mutual information of its pairs: a mixture of up to five
          Gaussians, chosen by BIC, from at most 3,000 pairs; scaled to its own peak, left out below 1 % of it. A black
          tick marks the mean of all pairs. Pairs that are exactly 0, those of constant units, are a line at 0 and no
          part of the density, and the row says how many they are. Fewer than ten pairs, or equal ones, are lines. The
          axis shows 99 % of the pairs of every layer, and its title names the largest value when that lies beyond.

        What is not finite is left out, and the row says how much that is.

    Raises:
        ValueError: the report has no layer.

    Cost:
        About 0.1 s a layer, 4 s for 64 layers.

    Reference:
        The interval of the median: Conover, Practical Nonparametric Statistics, with the normal approximation.
    """
    if not report.layers:
        raise ValueError(
            f"report: at least one measured layer is required, got none ({len(report.skipped)} were skipped); "
            "see report.skipped for the reasons."
        )
    chosen = np.linspace(0, len(report.layers) - 1, min(len(report.layers), _MOST_LAYERS)).round().astype(int)
    layers = [report.layers[index] for index in chosen]
    # Without the ends of the scale: bright yellow is hard to see on white, and the darkest violet hides the median.
    colors = matplotlib.colormaps["viridis"](np.linspace(0.12, 0.88, len(layers)))
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    boxes, rows = figure.subplots(1, 2, width_ratios=[1.0, 1.1])
    _draw_boxes(boxes, layers, colors)
    _draw_densities(rows, layers, colors)
    _label_layers(boxes, rows, shorten_layer_names([layer.name for layer in layers]), chosen.tolist())
    left_out = f" · {len(layers)} of {len(report.layers)} layers" if len(layers) < len(report.layers) else ""
    figure.suptitle(describe_measurement([report]) + left_out, fontsize=13)
    for axes in (boxes, rows):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_boxes(axes: Axes, layers: Sequence[LayerInformation], colors: NDArray[Any]) -> None:
    highest = 0.0
    for position, (layer, color) in enumerate(zip(layers, colors, strict=True)):
        entropy = layer.finite_entropy().detach().cpu().numpy()
        stats = boxplot_stats(entropy)[0]
        few = len(entropy) < _FEWEST_UNITS
        if few:
            axes.plot(np.full(len(entropy), position), entropy, "o", color=color, markersize=4, alpha=0.8)
        else:
            reach = 1.96 / 2 / len(entropy) ** 0.5
            stats["cilo"], stats["cihi"] = np.quantile(entropy, [0.5 - reach, 0.5 + reach])
        if len(entropy) == 0:
            axes.annotate("no finite entropy", (position, 0), ha="center", va="bottom", rotation=90, fontsize=7)
        highest = max([highest, *entropy])
        axes.bxp(
            [stats],
            positions=[position],
            widths=0.7,
            shownotches=not few,
            showfliers=not few,
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": (*color[:3], 0.45), "edgecolor": color},
            medianprops={"color": "black", "linewidth": 1.5},
            whiskerprops={"color": color},
            capprops={"color": color},
            flierprops={"marker": ".", "markersize": 3, "markerfacecolor": color, "markeredgecolor": "none"},
        )
    highest = highest or 1.0
    axes.set_xlim(-0.6, len(layers) - 0.4)
    axes.set_ylim(-0.03 * highest, 1.05 * highest)
    axes.tick_params(axis="y", labelsize=11)
    axes.set_ylabel("entropy per unit (nats)", fontsize=12)
    axes.set_title("box: quartiles · notch: 95 % interval of the median", fontsize=10)


def _draw_densities(axes: Axes, layers: Sequence[LayerInformation], colors: NDArray[Any]) -> None:
    pairs = [layer.pairs().detach().cpu().numpy() for layer in layers]
    left, right = _common_range(pairs)
    budget = min(_MOST_VALUES_OF_A_LAYER, _MOST_VALUES // len(layers))
    note_size = 8 if len(layers) <= _MOST_LABELS else 6
    for row, (layer, values, color) in enumerate(zip(layers, pairs, colors, strict=True)):
        base = len(layers) - 1 - row  # the first layer on top
        axes.axhline(base, color="0.85", linewidth=0.5, zorder=0)
        continuous = values[values != 0]
        if len(continuous) >= _FEWEST_PAIRS and np.ptp(continuous) > _SAME:
            points = np.union1d(np.linspace(left, right, 300), np.quantile(continuous, np.linspace(0, 1, 300)))
            density = mixture_density(continuous, max_values=budget)(points)
            height = 0.9 * density / density.max()
            seen = height > 0.01  # else the tails of all layers would be long lines
            axes.fill_between(points, base, base + height, where=seen, color=(*color[:3], 0.45), linewidth=0)
            axes.plot(points, np.where(seen, base + height, np.nan), color=color, linewidth=1.2)
            lines = np.zeros(min(1, len(values) - len(continuous)))
        else:
            lines = np.unique(values)[:_FEWEST_PAIRS]  # more only where all are equal but for rounding
        axes.vlines(lines, base, base + 0.9, color=color, linewidth=2, label="pairs")
        if len(values):
            axes.vlines(values.mean(), base, base + 0.45, color="black", linewidth=1.5, label="mean")
        axes.annotate(
            _note(layer, values), (0.995, base + 0.9), xycoords=("axes fraction", "data"), ha="right", va="top",
            fontsize=note_size, color="0.25",
        )  # fmt: skip
    largest = max((values.max() for values in pairs if len(values)), default=right)
    beyond = f" · largest pair {largest:.3g} not shown" if largest > right else ""
    axes.set_xlim(left, right)
    axes.set_ylim(-0.1, len(layers))
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(axis="x", labelsize=11)
    axes.set_xlabel("mutual information of unit pairs (nats)", fontsize=12)
    axes.set_ylabel("density, each to its peak", fontsize=12)
    axes.set_title(f"black tick: mean{beyond}", fontsize=10)


def _common_range(pairs: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """Where 99.5 % of the pairs of every layer are, with a margin: one far pair must not flatten all others."""
    ends = [np.quantile(values, [0.001, 0.995]) for values in pairs if len(values)] or [np.array([0.0, 1.0])]
    left, right = float(np.min(ends)), float(np.max(ends))
    margin = 0.05 * (right - left) if right - left > _SAME else 0.1
    return left - margin, right + margin


def _note(layer: LayerInformation, values: NDArray[Any]) -> str:
    """What the curve of a layer does not say."""
    notes, num_pairs = [], len(layer.units) * (len(layer.units) - 1) // 2
    zero = int((values == 0).sum())
    if num_pairs == 0:
        notes.append("one unit: no pair")
    elif len(values) < num_pairs:
        notes.append(f"{num_pairs - len(values):,} of {num_pairs:,} pairs not finite")
    if zero:
        notes.append(f"{zero:,} of {len(values):,} pairs exactly 0")
    elif 0 < len(values) < _FEWEST_PAIRS:
        notes.append(f"{len(values)} pair{'s' if len(values) > 1 else ''}")
    elif len(values) and np.ptp(values) <= _SAME:
        notes.append("all pairs equal")
    return ", ".join(notes)


def _label_layers(boxes: Axes, rows: Axes, names: Sequence[str], numbers: Sequence[int]) -> None:
    """Name the layers on both axes; where names do not fit below the boxes, by numbers that the rows explain."""
    positions = range(0, len(names), -(-len(names) // _MOST_LABELS))
    row_labels = [names[position] for position in positions]
    box_labels = row_labels
    if sum(map(len, row_labels)) > _ROOM_FOR_NAMES:
        box_labels = [str(numbers[position]) for position in positions]
        row_labels = [f"{name}  {number}" for name, number in zip(row_labels, box_labels, strict=True)]
        boxes.set_xlabel("layer, numbered as on the right", fontsize=12)
    boxes.set_xticks(positions, box_labels, fontsize=9, parse_math=False)
    rows.set_yticks([len(names) - 1 - position for position in positions], row_labels, fontsize=9, parse_math=False)
