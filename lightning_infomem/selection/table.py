"""A ranking as a table for the terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lightning_infomem.records.file_names import files_by_reason, name_files

if TYPE_CHECKING:
    from lightning_infomem.selection.ranking import RankedCheckpoint, RankedGroup, Ranking

__all__ = ["render_ranking"]

_WIDE = 80  # columns; in a narrower terminal the intervals are left out


def render_ranking(ranking: Ranking, width: int) -> RenderableType:
    """Draw the rows; below them the verdict, what was skipped, doubts and notes.

    Args:
        ranking: to be drawn.
        width: of the terminal, in columns.
    """
    folder = os.path.commonpath([row.path.parent for row in ranking.rows])
    lines: list[RenderableType] = [
        Text(f"{folder or '.'}: means over {name_files(ranking.layers)}, nats", style="dim"),
        _checkpoints(ranking, folder, wide=width >= _WIDE),
    ]
    if ranking.groups:
        lines.append(_groups(ranking.groups, ranked=ranking.refusal is None))
    lines.append(Text(ranking.verdict, style="bold"))
    lines += [Text(f"! {flag.name}: {flag.message}", style="yellow") for flag in ranking.flags]
    lines += [Text(line, style="dim") for line in _others(ranking, folder)]
    lines += [Text(f"skipped {line}", style="dim") for line in files_by_reason(_relative(ranking, folder))]
    lines += [Text(f"note: {note}") for note in ranking.notes]
    return Group(*lines)


def _checkpoints(ranking: Ranking, folder: str, *, wide: bool) -> Table:
    metrics = list(dict.fromkeys(name for row in ranking.rows for name in row.metrics))
    ranked, has_kinds = ranking.refusal is None, any(row.kind for row in ranking.rows)
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    if ranked:
        table.add_column("rank", justify="right")
        if wide:
            table.add_column("90 %", justify="right", no_wrap=True)
    table.add_column("checkpoint", overflow="fold", min_width=12)
    for name in ("epoch", "MI", *(["90 %"] if wide else []), "entropy"):
        table.add_column(name, justify="right", no_wrap=True)
    if ranked:
        table.add_column("entropy\nrank", justify="right")
        if wide:
            table.add_column("P(best)", justify="right", no_wrap=True)
    if has_kinds:
        table.add_column("kind")
    for name in metrics:
        table.add_column(Text(name), justify="right", overflow="fold")
    for row in (*ranking.rows, *([ranking.control] if ranking.control else [])):
        is_control = row is ranking.control
        is_strong = row.in_best_set or row is ranking.kept
        name = str(row.path) if is_control else os.path.relpath(row.path, folder)
        cells = _cells(row, name, ranked=ranked, wide=wide) + ([row.kind or "-"] if has_kinds else [])
        cells += [f"{row.metrics[metric]:.4g}" if metric in row.metrics else "-" for metric in metrics]
        table.add_row(*map(Text, cells), style="dim italic" if is_control else "bold" if is_strong else None)
    return table


def _cells(row: RankedCheckpoint, name: str, *, ranked: bool, wide: bool) -> list[str]:
    low, high = row.interval
    cells = [name, "-" if row.epoch is None else str(row.epoch), f"{row.mutual_information:.4f}"]
    cells += [f"{low:.3f}-{high:.3f}"] if wide else []
    cells += [f"{row.entropy:.4f}"]
    if not ranked:
        return cells
    rank_interval = "-" if row.rank_interval is None else "{}-{}".format(*row.rank_interval)
    cells = [str(row.rank), *([rank_interval] if wide else []), *cells, str(row.entropy_rank)]
    return cells + (["-" if row.probability_best is None else f"{row.probability_best:.2f}"] if wide else [])


def _groups(groups: tuple[RankedGroup, ...], *, ranked: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("group", overflow="fold", min_width=12)
    for name in ("checkpoints", "MI", "90 %", *(["rank", "90 %", "P(best)"] if ranked else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for group in groups:
        low, high = group.interval
        cells = [group.name, str(len(group.paths)), f"{group.mutual_information:.4f}", f"{low:.3f}-{high:.3f}"]
        if ranked:
            rank_interval = "-" if group.rank_interval is None else "{}-{}".format(*group.rank_interval)
            cells += [str(group.rank), rank_interval, f"{group.probability_best or 0:.2f}"]
        table.add_row(*map(Text, cells), style="bold" if group.in_best_set else None)
    return table


def _others(ranking: Ranking, folder: str) -> list[str]:
    """What the baselines would choose, one line a choice, and which of them are not known."""
    by_choice: dict[tuple[str, ...], list[str]] = {}
    for criterion in dict.fromkeys(name for row in ranking.rows for name in row.ranks):
        first = [os.path.relpath(row.path, folder) for row in ranking.rows if row.ranks.get(criterion) == 1]
        if len(first) < len(ranking.rows):  # all alike: no choice
            by_choice.setdefault(tuple(first), []).append(criterion)
    lines = [f"first by {', '.join(criteria)}: {name_files(choice)}" for choice, criteria in by_choice.items()]
    needs: dict[str, list[str]] = {}
    for criterion, need in ranking.missing.items():
        needs.setdefault(need, []).append(criterion)
    return lines + [f"not known: {', '.join(criteria)} (needs {need})" for need, criteria in needs.items()]


def _relative(ranking: Ranking, folder: str) -> dict[str, str]:
    inside = folder + os.sep
    return {path.removeprefix(inside): reason for path, reason in ranking.skipped.items()}
