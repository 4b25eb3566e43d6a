"""A ranking as a table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_infomem.records.file_names import files_by_reason, name_files
from lightning_infomem.records.ranking_row import RankedCheckpoint
from lightning_infomem.records.table import Column, Note, Table
from lightning_infomem.records.tabular import metric_columns

if TYPE_CHECKING:
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["ranking_table"]

_RANK = (Column("rank"), Column("rank_interval", "90 %", shown="wide", pair=True))
_INFORMATION = (
    Column("mutual_information", "MI", ".4f"),
    Column("interval", "90 %", ".3f", shown="wide", pair=True),
)
_PROBABILITY = Column("probability_best", "P(best)", ".2f", shown="wide")
_COLUMNS = (
    *_RANK,
    Column("path", "checkpoint"),
    Column("epoch"),
    Column("step", shown="never"),
    *_INFORMATION,
    Column("entropy", form=".4f"),
    Column("entropy_rank", "entropy\nrank"),
    _PROBABILITY,
    Column("kind"),
    Column("group", shown="never"),
    Column("in_best_set", shown="never"),
    Column("reseed_interval", shown="never", pair=True),
)
_GROUP_COLUMNS = (*_RANK, Column("name", "group"), Column("checkpoints"), *_INFORMATION, _PROBABILITY)
_OF_RANKS = {"rank", "rank_interval", "entropy_rank", "probability_best"}


def ranking_table(ranking: Ranking) -> Table:
    """Return the rows of a ranking, with groups, verdict, doubts, skipped files and notes below."""
    folder = os.path.commonpath([row.path.parent for row in ranking.rows])
    hidden = set() if ranking.refusal is None else set(_OF_RANKS)
    hidden |= set() if any(row.kind for row in ranking.rows) else {"kind"}
    rows = [_flat(row) for row in ranking.rows]
    metrics = dict.fromkeys(name for row in ranking.rows for name in metric_columns(row))
    columns = [*_columns(_COLUMNS, hidden), *(Column(name, name) for name in metrics)]
    shown = {column.name for column in columns}
    others = dict.fromkeys(name for row in rows for name in row if name not in shown)
    groups = Table(
        _columns(_GROUP_COLUMNS, hidden),
        [{**vars(group), "checkpoints": len(group.paths)} for group in ranking.groups],
        styles={index: "bold" for index, group in enumerate(ranking.groups) if group.in_best_set},
    )
    return Table(
        [*columns, *(Column(name, shown="never") for name in others)],
        rows,
        title=f"{folder or '.'}: means over {name_files(ranking.layers)}, nats",
        notes=list(_notes(ranking, folder)),
        parts=[groups] if ranking.groups else [],
        folder=Path(folder),
        styles={index: "bold" for index, row in enumerate(ranking.rows) if row.in_best_set},
    )


def _columns(columns: tuple[Column, ...], hidden: set[str]) -> list[Column]:
    return [replace(column, shown="never") if column.name in hidden else column for column in columns]


def _flat(row: RankedCheckpoint) -> dict[str, Any]:
    ranks = {f"rank_by_{name}": rank for name, rank in row.ranks.items()}
    fields = {name: value for name, value in vars(row).items() if name not in ("metrics", "scores", "ranks")}
    return {**row.scores, **metric_columns(row), **ranks, **fields}


def _notes(ranking: Ranking, folder: str) -> Iterator[Note]:
    if ranking.control is not None:
        control = ranking.control
        place = "" if control.rank is None else f"would take rank {control.rank}, "
        yield Note(f"{control.path}: {place}MI {control.mutual_information:.4f}, entropy {control.entropy:.4f}")
    yield Note(ranking.verdict, "bold")
    for flag in ranking.flags:
        yield Note(f"! {flag.name}: {flag.message}", "yellow")
    # The choices of the baselines, one line each.
    by_choice: dict[tuple[str, ...], list[str]] = {}
    for criterion in dict.fromkeys(name for row in ranking.rows for name in row.ranks):
        first = [os.path.relpath(row.path, folder) for row in ranking.rows if row.ranks.get(criterion) == 1]
        if len(first) < len(ranking.rows):  # otherwise all are tied, which is no choice
            by_choice.setdefault(tuple(first), []).append(criterion)
    for choice, criteria in by_choice.items():
        yield Note(f"first by {', '.join(criteria)}: {name_files(choice)}", "dim")
    needs: dict[str, list[str]] = {}
    for criterion, need in ranking.missing.items():
        needs.setdefault(need, []).append(criterion)
    for need, criteria in needs.items():
        yield Note(f"not known: {', '.join(criteria)} (needs {need})", "dim")
    for line in files_by_reason(ranking.skipped, folder):
        yield Note(f"skipped {line}", "dim")
    for note in ranking.notes:
        yield Note(f"note: {note}")
