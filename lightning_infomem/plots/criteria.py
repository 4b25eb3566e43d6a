"""What each criterion makes of the checkpoints, as a matrix of ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.names import name_checkpoints

if TYPE_CHECKING:
    from lightning_infomem.plots.ranked import Ranked

__all__ = ["plot_criteria"]

_MOST_ROWS = 40
_CELL_WIDTH, _CELL_HEIGHT = 0.36, 0.24  # inches: three figures of 8 points fit
_DARK = 0.75  # goodness from which a number is white
_NARROWEST = 6.4  # inches: the label fits


def plot_criteria(ranking: Ranked, criteria: Sequence[str] | None = None) -> Figure:
    """Draw the rank of every checkpoint by every criterion: dark is good, and rank 1 is framed.

    Args:
        ranking: as `rank_checkpoints` returns it, or any object with the same rows.
        criteria: names, in the order of the columns; those that no checkpoint is ranked by are left out. By default
            all, in the order in which the rows name them.

    Returns:
        A figure that belongs to no window and no pyplot state: a line a checkpoint, best on top, and a column a
        criterion. The colour is the rank among those that the criterion ranks; a checkpoint without a value has an
        empty cell, a criterion that tells no checkpoint from another a grey column. Of more than
        40 checkpoints the best 40 are drawn, and the label says so.

    Raises:
        ValueError: no checkpoint has a rank.
    """
    known = dict.fromkeys(name for row in ranking.rows for name in row.ranks)
    columns = [name for name in (known if criteria is None else criteria) if name in known]
    if not columns:
        raise UsageValueError(
            "ranking: checkpoints with a rank are required, got none; see ranking.refusal, or name other criteria."
        )
    rows = ranking.rows[:_MOST_ROWS]
    worst = {name: max(row.ranks[name] for row in ranking.rows if name in row.ranks) for name in columns}
    # From 1, the best, to 0; where all share rank 1 the criterion tells nothing.
    goodness = np.array(
        [
            [1 - (row.ranks[name] - 1) / max(worst[name] - 1, 1) if name in row.ranks else np.nan for name in columns]
            for row in rows
        ]
    )
    size = (max(3.6 + _CELL_WIDTH * len(columns), _NARROWEST), 2.2 + _CELL_HEIGHT * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    colors = style.rank_colors(goodness, [worst[name] > 1 for name in columns])
    axes.imshow(colors, aspect="auto")
    for place, row in enumerate(rows):
        for column, name in enumerate(columns):
            rank = row.ranks.get(name)
            if rank is None or worst[name] == 1:
                continue
            ink = style.WHITE if goodness[place, column] > _DARK else style.INK
            axes.text(
                column, place, str(rank), ha="center", va="center", fontsize=style.SMALL, color=ink,
                weight="bold" if rank == 1 else "normal",
            )  # fmt: skip
            if rank == 1:
                axes.add_patch(_frame(column, place))
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
    alike = " · grey: all share rank 1" if 1 in worst.values() else ""
    figure.supxlabel(f"rank by each criterion, 1 is best{alike}{more}", fontsize=style.TEXT)
    return figure


def _frame(column: int, place: int) -> matplotlib.patches.Rectangle:
    return matplotlib.patches.Rectangle(
        (column - 0.46, place - 0.46), 0.92, 0.92, fill=False, edgecolor=style.VERMILLION, linewidth=style.LINE
    )
