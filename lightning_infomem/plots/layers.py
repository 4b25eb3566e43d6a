"""Figure of one report: entropy of the units and mutual information of their pairs, layer by layer."""

from __future__ import annotations

from matplotlib.figure import Figure

from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.boxes_and_ridges import draw_boxes_and_ridges
from lightning_infomem.plots.choose_evenly import choose_evenly
from lightning_infomem.plots.names import shorten_layer_names
from lightning_infomem.records.descriptions import describe_measurement
from lightning_infomem.records.report import InformationReport

__all__ = ["plot_layers"]

_MOST_LAYERS = 64


def plot_layers(report: InformationReport) -> Figure:
    """Draw the entropy of the units (notched boxes) and the mutual information of their pairs (densities).

    Do not compare two reports by eye: the axes follow the data. Use `plot_comparison` instead.

    Args:
        report: Report with at least one layer. Above 64 layers, 64 evenly spaced ones are drawn, and the title says so.

    Returns:
        A figure without a window or pyplot state.

        * Left: one box per layer over the entropies of its units in nats. The box spans the quartiles, the whiskers
          reach 1.5 times as far, and the notch is the 95 % interval of the median (from order statistics). A layer of
          fewer than 16 units has no notch and shows its units as points.
        * Right: one row per layer with the density of the mutual information of its pairs: a mixture of up to five
          Gaussians, chosen by BIC, fitted to at most 3,000 pairs. It is scaled to its peak, reaches from the lowest to
          the highest pair, and is left out below 1 % of the peak (4 % above 20 rows). A black tick marks the mean of
          all pairs. Pairs that are exactly 0, those of constant units, are not part of the density; a line at 0 stands
          for them, and the row gives their number. Fewer than ten pairs, or equal ones, are drawn as lines. The axis
          covers 99 % of the pairs of every layer; if the largest value lies beyond, the title gives it.

        Values that are not finite are left out, and the row gives their number.

    Raises:
        ValueError: The report has no layer.

    Cost:
        About 0.1 s per layer, 6 s for 64 layers.

    Reference:
        The interval of the median: Conover, Practical Nonparametric Statistics, with the normal approximation.
    """
    if not report.layers:
        raise UsageValueError(
            f"report: at least one measured layer is required, got none ({len(report.skipped)} were skipped); "
            "see report.skipped for the reasons."
        )
    chosen = choose_evenly(len(report.layers), _MOST_LAYERS).tolist()
    layers = [report.layers[index] for index in chosen]
    names, colors = shorten_layer_names([layer.name for layer in layers]), style.level_colors(range(len(layers)))
    figure, *_ = draw_boxes_and_ridges([[layer] for layer in layers], names, chosen, colors, what="layer")
    left_out = f" · {len(layers)} of {len(report.layers)} layers" if len(layers) < len(report.layers) else ""
    figure.suptitle(describe_measurement([report]) + left_out, fontsize=style.TITLE)
    return figure
