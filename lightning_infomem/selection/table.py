"""A ranking as a table for the terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lightning_infomem.selection.direction import BETTER
from lightning_infomem.selection.naming import files_by_reason, name_files

if TYPE_CHECKING:
    from lightning_infomem.selection.result import RankedCheckpoint, Ranking

__all__ = ["render_ranking"]


def render_ranking(ranking: Ranking) -> RenderableType:
    """Draw the rows; below them the direction, what was skipped, and the notes."""
    folder = os.path.commonpath([row.path.parent for row in ranking.rows])
    metrics = list(dict.fromkeys(name for row in ranking.rows for name in row.metrics))
    ranked = ranking.refusal is None
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    if ranked:
        table.add_column("rank", justify="right")
    table.add_column("checkpoint", overflow="fold", min_width=12)
    for name in ("epoch", "MI", "entropy"):
        table.add_column(name, justify="right", no_wrap=True)
    if ranked:
        table.add_column("entropy\nrank", justify="right")
    for name in metrics:
        table.add_column(Text(name), justify="right", overflow="fold")
    for row in ranking.rows:
        table.add_row(*_cells(row, folder, metrics, ranked))
    lines: list[RenderableType] = [Text(f"{folder}: means over {name_files(ranking.layers)}, nats", style="dim"), table]
    lines.append(Text(_verdict(ranking), style="bold"))
    lines += [Text(f"skipped {line}", style="dim") for line in files_by_reason(_relative(ranking, folder))]
    lines += [Text(f"note: {note}") for note in ranking.notes]
    return Group(*lines)


def _cells(row: RankedCheckpoint, folder: str, metrics: list[str], ranked: bool) -> list[Text]:
    cells = [
        os.path.relpath(row.path, folder),
        "-" if row.epoch is None else str(row.epoch),
        f"{row.mutual_information:.4f}",
        f"{row.entropy:.4f}",
    ]
    if ranked:
        cells = [str(row.rank), *cells, str(row.entropy_rank)]
    cells += [f"{row.metrics[name]:.4g}" if name in row.metrics else "-" for name in metrics]
    return [Text(cell) for cell in cells]


def _verdict(ranking: Ranking) -> str:
    if ranking.refusal is not None or ranking.memorization is None:
        return f"No ranking: {ranking.refusal}"
    return f"Ranked by mutual information, for {ranking.memorization} memorization: {BETTER[ranking.memorization]}."


def _relative(ranking: Ranking, folder: str) -> dict[str, str]:
    inside = folder + os.sep
    return {path.removeprefix(inside): reason for path, reason in ranking.skipped.items()}
