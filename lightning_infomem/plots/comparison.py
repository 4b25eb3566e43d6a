"""Figure of several checkpoints: entropy of the units and mutual information of their pairs."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_infomem._checks import check_levels, check_one_each, check_shares
from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.boxes_and_ridges import draw_boxes_and_ridges
from lightning_infomem.plots.choose_evenly import choose_evenly
from lightning_infomem.plots.names import shorten_name
from lightning_infomem.records.descriptions import describe_measurement
from lightning_infomem.records.report import InformationReport

__all__ = ["plot_comparison"]

_MOST_CHECKPOINTS = 64
_LONGEST_NAME, _LONGEST_LINE = 28, 44  # characters: of the name of a checkpoint, and beside an axis


def plot_comparison(
    reports: Sequence[InformationReport],
    names: Sequence[str],
    *,
    levels: Sequence[float] | None = None,
    level_name: str = "level",
    accuracies: Sequence[float] | None = None,
    accuracy_name: str = "validation accuracy",
) -> Figure:
    """Draw the entropies of all units (notched boxes) and the mutual information of all pairs (densities) side by side.

    The figure does not show whether a difference is more than chance, because the units of one network are not
    independent draws. Use `rank_checkpoints` for that.

    Args:
        reports: One report per checkpoint, each with at least one layer, in drawing order. Above 64, 64 evenly spaced
            ones are drawn, and the title says so.
        names: Name of each checkpoint.
        levels: Finite level of each checkpoint, such as the share of random labels. Levels set the colours, and a bar
            explains them. Without levels, colours run from dark for the first checkpoint to bright for the last.
        level_name: Label of the bar.
        accuracies: Accuracy of each checkpoint, between 0 and 1, drawn as squares on a second axis of the boxes. NaN
            draws no square.
        accuracy_name: Label of that axis.

    Returns:
        A figure without a window or pyplot state.

        * Left: one box per checkpoint over the finite entropies of the units of all its layers, in nats. Every unit
          has the same weight. The boxes are those of `plot_layers`.
        * Right: one row per checkpoint with the density of the mutual information of its pairs, drawn as in
          `plot_layers`. Both units of a pair belong to the same layer. **Every layer has the same weight**, whatever
          its number of pairs, as in the metric ``infomem/mi_mean``, which the black tick marks; otherwise a wide layer
          would hide all others. Layers without a finite pair have no weight.

    Raises:
        ValueError: There is no report; a report has no layer; names, levels or accuracies differ in number from the
            reports; a level is not finite; or an accuracy is not between 0 and 1.

    Cost:
        About 0.1 s per checkpoint, 6 s for 64, and 0.1 s per million pairs.

    Reference:
        "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022), figures 2, 3, 6 and 7, in kind.
    """
    _check(reports, names)
    check_levels(levels, len(reports), of="reports")
    check_one_each(accuracies, len(reports), name="accuracies", of="reports")
    check_shares([] if accuracies is None else accuracies, name="accuracies")
    chosen = choose_evenly(len(reports), _MOST_CHECKPOINTS).tolist()
    drawn = [reports[index] for index in chosen]
    # All levels set the scale, drawn or not, as they do for the bar.
    colors = style.level_colors(range(len(reports)) if levels is None else levels)[chosen]
    labels = [shorten_name(names[index], _LONGEST_NAME) for index in chosen]
    layers = [report.layers for report in drawn]
    figure, boxes, ridges = draw_boxes_and_ridges(layers, labels, chosen, colors, what="checkpoint")
    if accuracies is not None:
        _draw_accuracies(boxes, [accuracies[index] for index in chosen], accuracy_name)
    if levels is not None:
        style.add_level_bar(figure, [ridges], levels, level_name)
    left_out = f" · {len(drawn)} of {len(reports)} checkpoints" if len(drawn) < len(reports) else ""
    figure.suptitle(describe_measurement(drawn) + left_out, fontsize=style.TITLE)
    return figure


def _draw_accuracies(boxes: Axes, accuracies: Sequence[float], name: str) -> None:
    axes = boxes.twinx()
    size = style.cloud_dot_size(len(accuracies))
    axes.plot(
        range(len(accuracies)), accuracies, "s--", color=style.ACCURACY, linewidth=style.FINE, markersize=size,
        markeredgecolor=style.WHITE, markeredgewidth=size / 7,
    )  # fmt: skip
    axes.set_ylim(-0.03, 1.05)  # 0 and 1 about level with the limits of the boxes
    label = textwrap.fill(f"{name} (share)", _LONGEST_LINE)
    axes.set_ylabel(label, fontsize=style.HEADING, color=style.ACCURACY, parse_math=False)
    axes.tick_params(labelsize=style.LABEL, colors=style.ACCURACY)
    axes.spines[["top", "left"]].set_visible(False)


def _check(reports: Sequence[InformationReport], names: Sequence[str]) -> None:
    if len(reports) == 0:
        raise UsageValueError("reports: at least one is required, got none; measure first.")
    check_one_each(names, len(reports), name="names", of="reports")
    for report, name in zip(reports, names, strict=True):
        if not report.layers:
            raise UsageValueError(
                f"reports: at least one measured layer in each is required, got none in {name!r} "
                f"({len(report.skipped)} were skipped); leave it out, or see its skipped for the reasons."
            )
