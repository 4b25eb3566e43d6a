"""A ranking as a figure: the mutual information of every checkpoint with its interval, best on top."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.names import name_checkpoints, shorten_name
from lightning_infomem.plots.ranked import Ranked
from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup

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
    "nearest": "nearer to the reference is better",
}


def plot_ranking(ranking: Ranked) -> Figure:
    """Draw the mean mutual information of every checkpoint with its 90 % interval, a line a checkpoint, best on top.

    Overlapping intervals are no test: whether a checkpoint can be told from the best is its colour.

    Args:
        ranking: as `rank_checkpoints` returns it, or any object with the same attributes; at least one row.

    Returns:
        A figure that belongs to no window and no pyplot state.

        * Members of the best set are blue, the others grey; on the right stands the probability to be the best.
        * Where a reference told the kind of memorization, the marker shows it: a triangle for heuristics (more mutual
          information than the reference), a square for examples (less), a dot for neither.
        * Groups have a panel of their own on top. The untrained control is an open diamond in the last line.
        * Of more than 40 checkpoints (or groups) the best 40 are drawn, and the title of the panel says so.
        * Without a ranking the checkpoints are in the order given, all grey.

    Raises:
        ValueError: no row.
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
    _draw(axes, ranking.rows, names, [_MARKERS[row.kind] for row in ranking.rows], "checkpoints")
    if ranking.control is not None:
        _draw_control(axes, ranking.control, num_rows - 1)
    told = _BETTER[ranking.order] if ranking.order is not None else "no ranking"
    axes.set_xlabel(f"mean mutual information (nats) · {told}", fontsize=style.LABEL)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    handles = _legend(ranking)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=style.NOTE)
    return figure


def _draw(
    axes: Axes, lines: Sequence[RankedCheckpoint | RankedGroup], names: Sequence[str], markers: Sequence[str], what: str
) -> None:
    drawn = lines[:_MOST_LINES]
    for place, (line, marker) in enumerate(zip(drawn, markers, strict=False)):
        color = style.BEST if line.in_best_set else style.PALE
        _draw_line(axes, line, place, marker, color, color)
    places = range(len(drawn))
    axes.set_yticks(places, names[: len(drawn)], fontsize=style.NOTE, parse_math=False)
    axes.set_ylim(len(drawn) - 0.4, -0.6)  # the first on top
    style.frame_rows(axes)
    more = len(lines) - len(drawn)
    if drawn[0].probability_best is None:
        axes.set_title(
            f"{what}: the first {len(drawn)} of {len(lines)}" if more else what, fontsize=style.LABEL, loc="left"
        )
        return
    axes.set_title(f"{what}: the best {len(drawn)} of {len(lines)}" if more else what, fontsize=style.LABEL, loc="left")
    axes.text(1.01, 1.0, "P(best)", transform=axes.transAxes, fontsize=style.NOTE, color=style.DARK, va="bottom")
    shares = axes.twinx()
    shares.set_ylim(axes.get_ylim())
    shares.set_yticks(
        places, [f"{line.probability_best or 0:.2f}" for line in drawn], fontsize=style.NOTE, color=style.DARK
    )
    shares.tick_params(axis="y", length=0)
    shares.spines[["top", "right", "left"]].set_visible(False)


def _draw_line(
    axes: Axes, line: RankedCheckpoint | RankedGroup, place: int, marker: str, color: str, face: str
) -> None:
    low, high = line.interval
    if math.isfinite(low) and math.isfinite(high):
        axes.hlines(place, low, high, color=color, linewidth=style.THICK)
    axes.plot(
        [line.mutual_information],
        [place],
        linestyle="",
        marker=marker,
        markersize=style.MARK,
        color=color,
        markerfacecolor=face,
    )


def _draw_control(axes: Axes, control: RankedCheckpoint, place: int) -> None:
    _draw_line(axes, control, place, "D", style.DARK, style.WHITE)
    axes.axvline(control.mutual_information, color=style.DARK, linewidth=style.HAIR, linestyle=":", zorder=0.5)
    names = [label.get_text() for label in axes.get_yticklabels()]
    axes.set_yticks(range(place + 1), [*names, "untrained control"], fontsize=style.NOTE, parse_math=False)
    for each in axes.figure.axes:  # the axis of the probabilities, too
        if each.get_position().bounds == axes.get_position().bounds:
            each.set_ylim(place + 0.6, -0.6)


def _legend(ranking: Ranked) -> list[Line2D]:
    """Only what is in the figure and does not explain itself."""
    handles = []
    if ranking.order is not None:
        for label, color in (("cannot be told from the best", style.BEST), ("worse than the best", style.PALE)):
            handles.append(
                Line2D([], [], color=color, linewidth=style.THICK, marker="o", markersize=style.MARK, label=label)
            )
    kinds = {row.kind for row in ranking.rows[:_MOST_LINES]}
    if kinds != {None}:
        for kind, label in _KINDS.items():
            if kind in kinds:
                handles.append(
                    Line2D(
                        [],
                        [],
                        color=style.DARK,
                        linestyle="",
                        marker=_MARKERS[kind],
                        markersize=style.MARK,
                        label=label,
                    )
                )
    return handles
