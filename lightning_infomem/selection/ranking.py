"""A ranking: a frozen record that can be printed, exported, and compared with any column."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lightning_infomem._checks import nearest_names
from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.file_names import common_folder, files_by_reason, name_files
from lightning_infomem.records.flag import Flag
from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup, describe_others
from lightning_infomem.records.table import Column, Note, Table, printable
from lightning_infomem.records.tabular import Tabular, metric_columns
from lightning_infomem.selection.agreement import Agreement, rank_agreement
from lightning_infomem.selection.criteria import MUTUAL_INFORMATION
from lightning_infomem.selection.direction import BETTER

__all__ = ["Ranking"]

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


@dataclass(frozen=True)
class Ranking(Tabular):
    """Ranked checkpoints; `print` shows a table.

    Attributes:
        rows: The checkpoints, best first by mutual information; in the order of training if there is no ranking.
        memorization: Kind of memorization, given or inferred from a reference: "heuristic", "example" or "mixed"; None
            if unknown.
        layers: Names of the ranked layers.
        skipped: Path -> why a checkpoint is not among the rows.
        notes: Remarks for the reader.
        refusal: Why there is no ranking; None if there is one.
        evidence: Where the kind of memorization comes from.
        flags: Doubts about the ranking.
        groups: Groups, best first; empty without groups.
        control: The untrained network, with the rank that it would take; None if it was not requested.
        missing: Criterion without any value -> what it needs.
        order: What is better: a key of `direction.BETTER`, which is the given kind, or "nearest" with a reference; None
            if there is no ranking.
    """

    rows: tuple[RankedCheckpoint, ...]
    memorization: str | None
    layers: tuple[str, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    refusal: str | None = None
    evidence: str = ""
    flags: tuple[Flag, ...] = ()
    groups: tuple[RankedGroup, ...] = ()
    control: RankedCheckpoint | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    order: str | None = None

    @property
    def best(self) -> RankedCheckpoint:
        """The first row, which is the best by mutual information.

        Raises:
            ValueError: There is no ranking; the message says why.
        """
        if self.refusal is not None:
            raise UsageValueError(self.refusal)
        return self.rows[0]

    @property
    def best_set(self) -> tuple[RankedCheckpoint, ...]:
        """The checkpoints that are at least as good as the best in 5 % of the draws or more.

        Raises:
            ValueError: There is no ranking; the message says why.
        """
        return tuple(row for row in self.rows if row.in_best_set) if self.best else ()

    @property
    def verdict(self) -> str:
        """The rule, the best checkpoint and how certain it is; or why there is no ranking."""
        if self.order is None:
            return f"No ranking: {self.refusal}"
        kind = "" if self.memorization is None else f", for {self.memorization} memorization"
        ranked = f"Ranked by mutual information{kind}: {BETTER[self.order]}."
        if self.best.probability_best is None:
            return ranked
        # Its path below the common folder, because every file can be named "last.ckpt".
        name = printable(os.path.relpath(self.best.path, common_folder(row.path for row in self.rows)))
        others = describe_others(self.rows)
        return f"{ranked} Best: '{name}' (P(best) {self.best.probability_best:.2f}); {others}."

    def correlate(
        self, metric: str | Mapping[Any, float], *, criterion: str = MUTUAL_INFORMATION.name, seed: int = 0
    ) -> Agreement:
        """Compute the agreement of the ranking with any column: Kendall's tau-b with interval and p-value.

        Args:
            metric: Name of a metric or criterion in the rows, or path (or file name) -> value. Higher values count as
                better, so expect a negative tau for a loss.
            criterion: Criterion whose ranks are compared.
            seed: Seed of permutations and draws.

        Returns:
            The agreement over the checkpoints that have a value; see `Agreement`.

        Raises:
            ValueError: There is no ranking or no such metric, a path is not in the rows, or there are fewer than two
                values.

        >>> names, ranks = ("a.ckpt", "b.ckpt"), ({"mutual_information": 1}, {"mutual_information": 2})
        >>> rows = (RankedCheckpoint(Path(n), 9, 90, 2.5, 0.1, 1, 1, ranks=r) for n, r in zip(names, ranks))
        >>> Ranking(tuple(rows), "heuristic", ("fc1",)).correlate({"a.ckpt": 0.9, "b.ckpt": 0.7}).tau
        1.0
        """
        if self.refusal is not None:
            raise UsageValueError(self.refusal)
        ranked = [row for row in self.rows if criterion in row.ranks]
        if not ranked:
            known = sorted({name for row in self.rows for name in row.ranks})
            raise UsageValueError(f"criterion: one of {', '.join(known)} is required, got {criterion!r}.")
        values = self._named(metric) if isinstance(metric, str) else self._given(metric)
        return rank_agreement(
            [row.ranks[criterion] for row in ranked], [values.get(row.path, math.nan) for row in ranked], seed=seed
        )

    def _named(self, metric: str) -> dict[Path, float]:
        columns = {row.path: {**row.scores, **row.metrics} for row in self.rows}
        values = {path: known[metric] for path, known in columns.items() if metric in known}
        if not values:
            known = sorted({name for known in columns.values() for name in known})
            nearest = ", ".join(nearest_names(metric, known, count=3)) or "none"
            raise UsageValueError(
                f"metric: a metric or criterion of rows is required, got {metric!r}; nearest: {nearest}."
            )
        return values

    def _given(self, metric: Mapping[Any, float]) -> dict[Path, float]:
        paths = [row.path for row in self.rows]
        occurrences = Counter(path.name for path in paths)
        names = {str(path): path for path in paths}
        names |= {path.name: path for path in paths if occurrences[path.name] == 1}
        values = {}
        for key, value in metric.items():
            if str(key) not in names:
                raise UsageValueError(
                    f"metric: a value for each checkpoint, by path or file name, is required, got '{key}', which is no "
                    f"row or not the only one of its name; the rows are {', '.join(names)[:200]}."
                )
            values[names[str(key)]] = float(value)
        return values

    def to_table(self) -> Table:
        """Return one row per checkpoint, with groups, verdict, doubts, skipped files and notes below."""
        return _table(self)


def _table(ranking: Ranking) -> Table:
    """Return the rows of a ranking, with groups, verdict, doubts, skipped files and notes below."""
    folder = common_folder(row.path for row in ranking.rows)
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
        title=f"{folder}: means over {name_files(ranking.layers)}, nats",
        notes=list(_notes(ranking, folder)),
        parts=[groups] if ranking.groups else [],
        folder=folder,
        styles={index: "bold" for index, row in enumerate(ranking.rows) if row.in_best_set},
    )


def _columns(columns: tuple[Column, ...], hidden: set[str]) -> list[Column]:
    return [replace(column, shown="never") if column.name in hidden else column for column in columns]


def _flat(row: RankedCheckpoint) -> dict[str, Any]:
    ranks = {f"rank_by_{name}": rank for name, rank in row.ranks.items()}
    fields = {name: value for name, value in vars(row).items() if name not in ("metrics", "scores", "ranks")}
    return {**row.scores, **metric_columns(row), **ranks, **fields}


def _notes(ranking: Ranking, folder: Path) -> Iterator[Note]:
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
