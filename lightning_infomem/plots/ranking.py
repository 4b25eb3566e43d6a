"""Figure of a ranking: what leads it, for every checkpoint with its interval, best on top."""

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
from lightning_infomem.selection.criteria import CRITERIA

if TYPE_CHECKING:
    from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["plot_ranking"]

_MOST_LINES = 40
_LINE_HEIGHT, _MARGIN_HEIGHT = 0.24, 1.1  # inches
_MARKERS = {None: "o", "heuristic": "^", "example": "s"}
_KINDS = {
    "heuristic": "heuristic: more MI than the reference",
    "example": "example: less MI than the reference",
    None: "like the reference",
}
_BETTER = {
    "low": "lower is better",
    "high": "higher is better",
    "nearest": "closer to the reference is better",
    None: "no ranking",
}
_INFORMATION = "mutual_information"


def plot_ranking(ranking: Ranking) -> Figure:
    """Draw the criterion that leads, for every checkpoint with its 90 % interval, best on top.

    Overlapping intervals are no test. The colour shows whether a checkpoint is distinguishable from the best.

    Args:
        ranking: Result of `rank_checkpoints` with at least one row.

    Returns:
        A figure without a window or pyplot state.

        * Each line is a checkpoint. Members of the best set are blue, the others grey. The probability of being the
          best is on the right.
        * If a reference gave the kind of memorization, the marker shows it: a triangle for heuristics (more mutual
          information than the reference), a square for examples (less), a dot for neither.
        * Groups have a separate panel on top. The untrained control is an open diamond in the last line, where it has
          a value.
        * Above 40 checkpoints (or groups), the best 40 are drawn, and the title of the panel says so.
        * Without a ranking, the mutual information of all checkpoints is drawn in grey and in the given order.

    Raises:
        ValueError: The ranking has no row.
    """
    if not ranking.rows:
        raise UsageValueError(
            "ranking: at least one checkpoint is required, got none; see ranking.skipped for the reasons."
        )
    criterion = ranking.criterion or _INFORMATION
    control = ranking.control
    if control is not None and not math.isfinite(_value(control, criterion)[0]):
        control = None
    num_rows = min(len(ranking.rows), _MOST_LINES) + (control is not None)
    num_groups = min(len(ranking.groups), _MOST_LINES)
    heights = [_LINE_HEIGHT * lines + _MARGIN_HEIGHT for lines in (num_groups, num_rows) if lines]
    figure = Figure(figsize=(9, max(sum(heights), 2.6)), layout="constrained")
    *above, axes = figure.subplots(len(heights), 1, height_ratios=heights, sharex=True, squeeze=False)[:, 0]
    for panel in above:
        names = [shorten_name(group.name) for group in ranking.groups]
        _draw(panel, criterion, ranking.groups, names, [_MARKERS[None]] * len(names), "recipes")
    names = name_checkpoints([row.path for row in ranking.rows])
    _draw(axes, criterion, ranking.rows, names, [_MARKERS[row.kind] for row in ranking.rows], "checkpoints", control)
    what = "mean mutual information (nats)" if criterion == _INFORMATION else criterion.replace("_", " ")
    axes.set_xlabel(f"{what} · {_BETTER[_better(ranking)]}", fontsize=style.LABEL)
    style.set_round_ticks(axes.xaxis, 7)
    handles = _legend(ranking)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=style.NOTE)
    return figure


def _better(ranking: Ranking) -> str | None:
    """Return what is better: "low", "high" or "nearest"; None without a ranking."""
    order = ranking.order
    if ranking.criterion is None and order is None:
        return None
    better = next(each.better for each in CRITERIA if each.name == (ranking.criterion or _INFORMATION))
    return better.get(order or "nearest", "nearest")


def _value(line: RankedCheckpoint | RankedGroup, criterion: str) -> tuple[float, tuple[float, float]]:
    """Return the value of the criterion that leads, and its interval."""
    if criterion == _INFORMATION:
        return line.mutual_information, line.interval
    if line.rank is None or math.isnan(line.score):  # the untrained network
        return getattr(line, "scores", {}).get(criterion, math.nan), (math.nan, math.nan)
    return line.score, line.score_interval


def _draw(
    axes: Axes,
    criterion: str,
    lines: Sequence[RankedCheckpoint | RankedGroup],
    names: Sequence[str],
    markers: Sequence[str],
    what: str,
    control: RankedCheckpoint | None = None,
) -> None:
    drawn, names = lines[:_MOST_LINES], names[:_MOST_LINES]
    for place, (line, marker) in enumerate(zip(drawn, markers, strict=False)):
        _draw_line(
            axes, _value(line, criterion), place, marker=marker, color=style.BEST if line.in_best_set else style.PALE
        )
    if control is not None:
        value = _value(control, criterion)
        _draw_line(axes, value, len(drawn), color=style.DARK, marker="D", markerfacecolor=style.WHITE)
        axes.axvline(value[0], color=style.DARK, linewidth=style.HAIR, linestyle=":", zorder=0.5)
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


def _draw_line(axes: Axes, value: tuple[float, tuple[float, float]], place: int, *, color: str, **marker: Any) -> None:
    found, (low, high) = value
    if low < high:  # both are known, and it is not one number
        axes.hlines(place, low, high, color=color, linewidth=style.THICK)
    axes.plot([found], [place], color=color, linestyle="", markersize=style.MARK, **marker)


def _legend(ranking: Ranking) -> list[Line2D]:
    """Return handles only for what is in the figure and needs an explanation."""
    dot: dict[str, Any] = {"marker": "o", "linewidth": style.THICK, "markersize": style.MARK}
    handles = []
    if _better(ranking) is not None:
        handles.append(Line2D([], [], color=style.BEST, label="indistinguishable from the best", **dot))
        handles.append(Line2D([], [], color=style.PALE, label="worse than the best", **dot))
    kinds = {row.kind for row in ranking.rows[:_MOST_LINES]}
    if kinds != {None}:
        for kind in [kind for kind in _KINDS if kind in kinds]:
            look = {**dot, "marker": _MARKERS[kind], "linestyle": ""}
            handles.append(Line2D([], [], color=style.DARK, label=_KINDS[kind], **look))
    return handles
