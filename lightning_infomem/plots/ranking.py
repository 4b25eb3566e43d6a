"""Figure of a ranking: mutual information of every checkpoint with its interval, best on top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.names import name_checkpoints, shorten_name

if TYPE_CHECKING:
    from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["plot_ranking"]

_MOST_LINES = 40
_LINE_HEIGHT, _MARGIN_HEIGHT = 0.24, 1.1  # inches
_MARKERS = {None: "o", "heuristic": "^", "example": "s"}
_KINDS = {
    "heuristic": "heuristic: more than the reference",
    "example": "example: less than the reference",
    None: "like the reference",
}
_BETTER = {
    "heuristic": "lower is better",
    "example": "higher is better",
    "nearest": "closer to the reference is better",
    None: "no ranking",
}


def plot_ranking(ranking: Ranking) -> Figure:
    """Draw the mean mutual information of every checkpoint with its 90 % interval, best on top.

    Overlapping intervals are no test. The colour shows whether a checkpoint is distinguishable from the best.

    Args:
        ranking: Result of `rank_checkpoints` with at least one row.

    Returns:
        A figure without a window or pyplot state.

        * Each line is a checkpoint. Members of the best set are blue, the others grey. The probability of being the
          best is on the right.
        * If a reference gave the kind of memorization, the marker shows it: a triangle for heuristics (more mutual
          information than the reference), a square for examples (less), a dot for neither.
        * Groups have a separate panel on top. The untrained control is an open diamond in the last line.
        * Above 40 checkpoints (or groups), the best 40 are drawn, and the title of the panel says so.
        * Without a ranking, all checkpoints are grey and in the given order.

    Raises:
        ValueError: The ranking has no row.
    """
    if not ranking.rows:
        raise UsageValueError(
            "ranking: at least one checkpoint is required, got none; see ranking.skipped for the reasons."
        )
    num_rows = min(len(ranking.rows), _MOST_LINES) + (ranking.control is not None)
    num_groups = min(len(ranking.groups), _MOST_LINES)
    heights = [_LINE_HEIGHT * lines + _MARGIN_HEIGHT for lines in (num_groups, num_rows) if lines]
    figure = Figure(figsize=(9, max(sum(heights), 2.6)), layout="constrained")
    *above, axes = figure.subplots(len(heights), 1, height_ratios=heights, sharex=True, squeeze=False)[:, 0]
    for panel in above:
        names = [shorten_name(group.name) for group in ranking.groups]
        _draw(panel, ranking.groups, names, [_MARKERS[None]] * len(names), "recipes")
    names = name_checkpoints([row.path for row in ranking.rows])
    _draw(axes, ranking.rows, names, [_MARKERS[row.kind] for row in ranking.rows], "checkpoints", ranking.control)
    axes.set_xlabel(f"mean mutual information (nats) · {_BETTER[ranking.order]}", fontsize=style.LABEL)
    style.set_round_ticks(axes.xaxis, 7)
    handles = _legend(ranking)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=style.NOTE)
    return figure


def _draw(
    axes: Axes,
    lines: Sequence[RankedCheckpoint | RankedGroup],
    names: Sequence[str],
    markers: Sequence[str],
    what: str,
    control: RankedCheckpoint | None = None,
) -> None:
    drawn, names = lines[:_MOST_LINES], names[:_MOST_LINES]
    for place, (line, marker) in enumerate(zip(drawn, markers, strict=False)):
        _draw_line(axes, line, place, marker=marker, color=style.BEST if line.in_best_set else style.PALE)
    if control is not None:
        _draw_line(axes, control, len(drawn), color=style.DARK, marker="D", markerfacecolor=style.WHITE)
        axes.axvline(control.mutual_information, color=style.DARK, linewidth=style.HAIR, linestyle=":", zorder=0.5)
        names = [*names, "untrained control"]
    axes.set_yticks(range(len(names)), names, fontsize=style.NOTE, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)  # the first on top
    style.frame_rows(axes)
    is_ranked = drawn[0].probability_best is not None
    left_out = f": the {'best' if is_ranked else 'first'} {len(drawn)} of {len(lines)}"
    axes.set_title(what + (left_out if len(drawn) < len(lines) else ""), fontsize=style.LABEL, loc="left")
    if is_ranked:
        axes.text(1.01, 1.0, "P(best)", transform=axes.transAxes, fontsize=style.NOTE, color=style.DARK, va="bottom")
        shares = axes.twinx()
        shares.set_ylim(axes.get_ylim())
        labels = [f"{line.probability_best or 0:.2f}" for line in drawn]
        shares.set_yticks(range(len(drawn)), labels, fontsize=style.NOTE, color=style.DARK)
        shares.tick_params(axis="y", length=0)
        shares.spines[["top", "right", "left"]].set_visible(False)


def _draw_line(axes: Axes, line: RankedCheckpoint | RankedGroup, place: int, *, color: str, **marker: Any) -> None:
    low, high = line.interval
    if math.isfinite(low) and math.isfinite(high):
        axes.hlines(place, low, high, color=color, linewidth=style.THICK)
    axes.plot([line.mutual_information], [place], color=color, linestyle="", markersize=style.MARK, **marker)


def _legend(ranking: Ranking) -> list[Line2D]:
    """Return handles only for what is in the figure and needs an explanation."""
    dot: dict[str, Any] = {"marker": "o", "linewidth": style.THICK, "markersize": style.MARK}
    handles = []
    if ranking.order is not None:
        handles.append(Line2D([], [], color=style.BEST, label="indistinguishable from the best", **dot))
        handles.append(Line2D([], [], color=style.PALE, label="worse than the best", **dot))
    kinds = {row.kind for row in ranking.rows[:_MOST_LINES]}
    if kinds != {None}:
        for kind in [kind for kind in _KINDS if kind in kinds]:
            look = {**dot, "marker": _MARKERS[kind], "linestyle": ""}
            handles.append(Line2D([], [], color=style.DARK, label=_KINDS[kind], **look))
    return handles
