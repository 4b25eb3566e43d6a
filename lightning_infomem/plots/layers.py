"""One report as a figure: the entropy of the units and the mutual information of their pairs, layer by layer."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.boxes import draw_boxes
from lightning_infomem.plots.names import name_rows, shorten_layer_names
from lightning_infomem.plots.ridges import Ridge, draw_ridges, figure_height
from lightning_infomem.records.descriptions import describe_measurement
from lightning_infomem.records.report import InformationReport

__all__ = ["plot_layers"]

_MOST_LAYERS = 64


def plot_layers(report: InformationReport) -> Figure:
    """Draw the entropy of the units (notched boxes) and the mutual information of their pairs (densities).

    Not for comparing two reports by eye: the axes follow the data. See `plot_comparison`.

    Args:
        report: at least one layer; of more than 64 layers, 64 are drawn, evenly chosen, and the title says so.

    Returns:
        A figure that belongs to no window and no pyplot state.

        * Left, a box a layer over the entropies of its units in nats: the box spans the quartiles, the whiskers 1.5
          times as much, the notch the 95 % interval of the median (from order statistics). A layer of fewer than 16
          units has no notch and shows its units as points.
        * Right, a row a layer with the density of the mutual information of its pairs: a mixture of up to five
          Gaussians, chosen by BIC, from at most 3,000 pairs; scaled to its own peak, from the lowest pair to the
          highest, left out below 1 % of the peak (4 % of more than 20 rows). A black tick marks the mean of all pairs.
          Pairs that are exactly 0, those of constant units, are a line at 0 and no part of the density, and the row
          says how many they are. Fewer than ten pairs, or equal ones, are lines. The axis shows 99 % of the pairs of
          every layer, and its title names the largest value when that lies beyond.

        What is not finite is left out, and the row says how much that is.

    Raises:
        ValueError: the report has no layer.

    Cost:
        About 0.1 s a layer, 6 s for 64 layers.

    Reference:
        The interval of the median: Conover, Practical Nonparametric Statistics, with the normal approximation.
    """
    if not report.layers:
        raise UsageValueError(
            f"report: at least one measured layer is required, got none ({len(report.skipped)} were skipped); "
            "see report.skipped for the reasons."
        )
    chosen = np.linspace(0, len(report.layers) - 1, min(len(report.layers), _MOST_LAYERS)).round().astype(int)
    layers = [report.layers[index] for index in chosen]
    colors = style.level_colors(range(len(layers)))
    figure = Figure(figsize=(11, figure_height(len(layers))), layout="constrained")
    boxes, rows = figure.subplots(1, 2, width_ratios=[1.0, 1.1])
    draw_boxes(boxes, [layer.finite_entropy().detach().cpu().numpy() for layer in layers], colors)
    draw_ridges(rows, [Ridge.of([layer]) for layer in layers], colors)
    name_rows(boxes, rows, shorten_layer_names([layer.name for layer in layers]), chosen.tolist(), what="layer")
    left_out = f" · {len(layers)} of {len(report.layers)} layers" if len(layers) < len(report.layers) else ""
    figure.suptitle(describe_measurement([report]) + left_out, fontsize=style.TITLE)
    for axes in (boxes, rows):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
