"""Figure of the ranks of checkpoints by every criterion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.names import name_checkpoints

if TYPE_CHECKING:
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["plot_criteria"]

_MOST_ROWS = 40
_CELL_WIDTH, _CELL_HEIGHT = 0.36, 0.24  # inches: three digits of 8 points fit
_DARK = 0.75  # goodness above which a number is white
_NARROWEST = 6.4  # inches: the label fits


def plot_criteria(ranking: Ranking, criteria: Sequence[str] | None = None) -> Figure:
    """Draw the rank of every checkpoint by every criterion: dark is good, and rank 1 is framed.

    Args:
        ranking: Result of `rank_checkpoints`.
        criteria: Names of the criteria in the order of the columns; those without a rank for any checkpoint are left
            out. By default all, in the order in which the rows name them.

    Returns:
        A figure without a window or pyplot state, with one row per checkpoint, best on top, and one column per
        criterion. The colour shows the rank among the checkpoints that the criterion ranks. A checkpoint without a
        value has an empty cell; a criterion that gives all checkpoints the same rank has a grey column. Above 40
        checkpoints, the best 40 are drawn, and the label says so.

    Raises:
        ValueError: No checkpoint has a rank.
    """
    known = dict.fromkeys(name for row in ranking.rows for name in row.ranks)
    columns = [name for name in (known if criteria is None else criteria) if name in known]
    if not columns:
        raise UsageValueError(
            "ranking: checkpoints with a rank are required, got none; see ranking.refusal, or name other criteria."
        )
    rows = ranking.rows[:_MOST_ROWS]
    worst = {name: max(row.ranks[name] for row in ranking.rows if name in row.ranks) for name in columns}
    ranks = np.array([[row.ranks.get(name, np.nan) for name in columns] for row in rows])
    goodness = 1 - (ranks - 1) / [max(worst[name] - 1, 1) for name in columns]  # from 1, the best, to 0
    size = (max(3.6 + _CELL_WIDTH * len(columns), _NARROWEST), 2.2 + _CELL_HEIGHT * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.imshow(style.rank_colors(goodness, [worst[name] > 1 for name in columns]), aspect="auto")
    for (place, column), rank in np.ndenumerate(ranks):
        if np.isnan(rank) or worst[columns[column]] == 1:
            continue
        ink = style.WHITE if goodness[place, column] > _DARK else style.INK
        weight = "bold" if rank == 1 else "normal"
        axes.text(
            column, place, f"{rank:.0f}", ha="center", va="center", fontsize=style.SMALL, color=ink, weight=weight
        )
        if rank == 1:
            corner = column - 0.46, place - 0.46
            look: dict[str, Any] = {"edgecolor": style.VERMILLION, "linewidth": style.LINE}
            axes.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, **look))
    names = name_checkpoints([row.path for row in ranking.rows])
    axes.set_yticks(range(len(rows)), names[: len(rows)], fontsize=style.NOTE, parse_math=False)
    axes.set_xticks(
        range(len(columns)), [name.replace("_", " ") for name in columns], fontsize=style.NOTE, rotation=45, ha="left",
        rotation_mode="anchor", parse_math=False,
    )  # fmt: skip
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    # White lines between the cells.
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=style.WHITE, linewidth=style.TICK)
    axes.tick_params(which="minor", length=0)
    more = f" · the best {len(rows)} of {len(ranking.rows)}" if len(rows) < len(ranking.rows) else ""
    tied = " · grey: all share rank 1" if 1 in worst.values() else ""
    figure.supxlabel(f"rank by each criterion, 1 is best{tied}{more}", fontsize=style.TEXT)
    return figure
