"""Several checkpoints in one figure: the entropy of their units and the mutual information of their pairs."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_infomem._checks import check_levels, check_one_each, check_shares
from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.boxes import draw_boxes
from lightning_infomem.plots.names import name_rows, shorten_name
from lightning_infomem.plots.ridges import Ridge, draw_ridges, figure_height
from lightning_infomem.records.descriptions import describe_measurement
from lightning_infomem.records.report import InformationReport

__all__ = ["plot_comparison"]

_MOST_CHECKPOINTS = 64
_LONGEST_NAME, _LONGEST_LINE = 28, 44  # characters: of a checkpoint's name, and beside an axis


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

    Not for whether a difference is more than chance: units of one network are no independent draws. See
    `rank_checkpoints`.

    Args:
        reports: one a checkpoint, each with at least one layer, in the order in which they are drawn; of more than 64,
            64 are drawn, evenly chosen, and the title says so.
        names: of the checkpoints.
        levels: of the checkpoints, finite, such as the share of random labels: their colours, which a bar explains.
            Without levels the colours go from dark for the first checkpoint to bright for the last.
        level_name: label of the bar.
        accuracies: of the checkpoints, shares between 0 and 1, drawn as squares on a second axis of the boxes; NaN
            leaves its square out.
        accuracy_name: label of that axis.

    Returns:
        A figure that belongs to no window and no pyplot state.

        * Left, a box a checkpoint over the finite entropies of the units of all its layers, nats; every unit counts
          the same. The box is that of `plot_layers`.
        * Right, a row a checkpoint with the density of the mutual information of its pairs, drawn as by `plot_layers`.
          A pair is one of units of one layer. **Every layer counts the same**, whatever its number of pairs, as in the
          metric ``infomem/mi_mean``, which is where the black tick stands; else a wide layer would be all that is
          seen. Layers without a finite pair count nothing.

    Raises:
        ValueError: no report, one without a layer, another number of names, levels or accuracies than of reports, a
            level that is not finite, or an accuracy beyond 0 and 1.

    Cost:
        About 0.1 s a checkpoint, 6 s for 64, and 0.1 s for a million pairs.

    Reference:
        "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022), figures 2, 3, 6 and 7, in kind.
    """
    _check(reports, names)
    check_levels(levels, len(reports), of="reports")
    check_one_each(accuracies, len(reports), name="accuracies", of="reports")
    check_shares([] if accuracies is None else accuracies, name="accuracies")
    chosen = np.linspace(0, len(reports) - 1, min(len(reports), _MOST_CHECKPOINTS)).round().astype(int).tolist()
    drawn = [reports[index] for index in chosen]
    # Of all levels, drawn or not, so that the bar holds for both.
    colors = style.level_colors(range(len(reports)) if levels is None else levels)[chosen]
    figure = Figure(figsize=(11, figure_height(len(drawn))), layout="constrained")
    boxes, rows = figure.subplots(1, 2, width_ratios=[1.0, 1.1])
    entropies = [np.concatenate([layer.finite_entropy().cpu().numpy() for layer in each.layers]) for each in drawn]
    draw_boxes(boxes, entropies, colors)
    draw_ridges(rows, [Ridge.of(each.layers) for each in drawn], colors)
    labels = [shorten_name(names[index], _LONGEST_NAME) for index in chosen]
    name_rows(boxes, rows, labels, chosen, what="checkpoint")
    boxes.spines[["top", "right"]].set_visible(False)
    rows.spines[["top", "right"]].set_visible(False)
    if accuracies is not None:
        _draw_accuracies(boxes, [accuracies[index] for index in chosen], accuracy_name)
    if levels is not None:
        style.add_level_bar(figure, [rows], levels, level_name)
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
    axes.set_ylim(-0.03, 1.05)  # its 0 and its 1 near those of the boxes
    axes.set_ylabel(
        textwrap.fill(f"{name} (share)", _LONGEST_LINE), fontsize=style.HEADING, color=style.ACCURACY, parse_math=False
    )
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
