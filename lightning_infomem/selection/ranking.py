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
from lightning_infomem.selection.asking import choose_questions
from lightning_infomem.selection.criteria import MUTUAL_INFORMATION, RANKME
from lightning_infomem.selection.direction import BETTER
from lightning_infomem.selection.leading import Consideration
from lightning_infomem.selection.questions import Questions
from lightning_infomem.selection.votes import Votes

__all__ = ["Ranking"]

_RANK = (Column("rank"), Column("rank_interval", "90 %", shown="wide", pair=True))
_INFORMATION = Column("mutual_information", "MI", ".4f")
_PROBABILITY = Column("probability_best", "P(best)", ".2f")
_COLUMNS = (
    *_RANK,
    Column("path", "checkpoint"),
    Column("epoch"),
    Column("step", shown="never"),
    Column("score", form=".4f"),
    Column("score_interval", "90 %", ".3f", shown="wide", pair=True),
    _PROBABILITY,
    _INFORMATION,
    Column("interval", "90 %", ".3f", shown="wide", pair=True),
    Column("entropy", form=".4f"),
    Column("entropy_rank", "entropy\nrank"),
    Column("kind"),
    Column("group", shown="never"),
    Column("in_best_set", shown="never"),
    Column("is_underfit", "underfit"),
    Column("reseed_interval", shown="never", pair=True),
)
_GROUP_COLUMNS = (
    *_RANK,
    Column("name", "group"),
    Column("checkpoints"),
    Column("score", form=".4f"),
    Column("score_interval", "90 %", ".3f", shown="wide", pair=True),
    _PROBABILITY,
    _INFORMATION,
    Column("interval", "90 %", ".3f", shown="wide", pair=True),
)
_OF_RANKS = {"rank", "rank_interval", "entropy_rank", "probability_best", "score", "score_interval"}
_OF_HIDDEN_LAYERS = (MUTUAL_INFORMATION.name, RANKME.name)
_REMARKS = ("recipes_differ", "underfit")  # others are about measures that do not lead
_OF_LAYERS = {"mutual_information", "interval", "entropy", "entropy_rank"}
_MOST_SETTINGS = 3  # that stand beside the ranks, where there is room
_WIDTH = 80  # characters of a line


@dataclass(frozen=True)
class Ranking(Tabular):
    """Ranked checkpoints; `print` shows a table.

    Attributes:
        rows: The checkpoints, best first; in the order of training if there is no ranking.
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
        order: What is better in hidden layers: a key of `direction.BETTER`, which is the given kind, or "nearest" with
            a reference; None with neither.
        criterion: Name of the criterion that leads; None if there is no ranking.
        why: The criteria that could lead, and why one does.
        votes: Predictions of all checkpoints for the inputs that all of them saw; None if they cannot be compared.
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
    criterion: str | None = None
    why: tuple[Consideration, ...] = ()
    votes: Votes | None = field(default=None, repr=False, compare=False, metadata={"exported": False})

    @property
    def best(self) -> RankedCheckpoint:
        """The first row, which is the best by the criterion that leads.

        Raises:
            ValueError: There is no ranking; the message says why.
        """
        if self.refusal is not None:
            raise UsageValueError(self.refusal)
        return self.rows[0]

    @property
    def best_set(self) -> tuple[RankedCheckpoint, ...]:
        """A small set of checkpoints that holds the best in four of five cases; see `certainty`.

        Raises:
            ValueError: There is no ranking; the message says why.
        """
        return tuple(row for row in self.rows if row.in_best_set) if self.best else ()

    @property
    def verdict(self) -> str:
        """The best checkpoint, how certain it is, and the criterion that leads; or why there is no ranking."""
        if self.refusal is not None:
            return f"No ranking: {self.refusal}"
        # Its path below the common folder, because every file can be named "last.ckpt".
        name = printable(os.path.relpath(self.best.path, common_folder(row.path for row in self.rows)))
        chance = "" if self.best.probability_best is None else f" (P(best) {self.best.probability_best:.2f})"
        leader = self.criterion or MUTUAL_INFORMATION.name
        criterion = leader.replace("_", " ")
        direction = ""
        if leader == MUTUAL_INFORMATION.name and self.order is not None:
            kind = "" if self.memorization is None else f", for {self.memorization} memorization"
            direction = f"{kind}: {BETTER[self.order]}"
        reason = next((f", because {each.because}" for each in self.why if each.leads and not direction), "")
        return f"Best: '{name}'{chance}; {describe_others(self.rows)}. Ranked by {criterion}{direction}{reason}."

    def correlate(self, metric: str | Mapping[Any, float], *, criterion: str | None = None, seed: int = 0) -> Agreement:
        """Compute the agreement of the ranking with any column: Kendall's tau-b with interval and p-value.

        Args:
            metric: Name of a metric or criterion in the rows, or path (or file name) -> value. Higher values count as
                better, so expect a negative tau for a loss.
            criterion: Criterion whose ranks are compared; by default the one that leads.
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
        criterion = criterion or self.criterion or MUTUAL_INFORMATION.name
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

    def ask(self, number: int = 20, *, seed: int = 0) -> Questions:
        """Choose the inputs whose labels would tell most about which checkpoint is best; see `choose_questions`.

        Args:
            number: How many inputs. On our sweeps 20 labels chose no better than none, 100 much better.
            seed: Seed of a private generator, which decides between inputs that are equally disputed.

        Returns:
            The inputs, with what the leading checkpoints predict. Write ``.to_csv()`` to a file, fill in its column
            "label", and call `rank_checkpoints` again with ``labels``. Inputs labelled already are not asked again.

        Raises:
            TypeError: ``number`` is no whole number.
            ValueError: There is no ranking, predictions cannot be compared, there are not so many inputs without a
                label, or checkpoints agree on all of them.
        """
        if self.refusal is not None:
            raise UsageValueError(f"ask: a ranking is required, but there is none: {self.refusal}")
        if self.votes is None:
            because = self.why[-1].because if self.why else "there are none"
            raise UsageValueError(
                "ask: predicted classes of the same inputs are required in all checkpoints, but they are "
                f"{because}; labels cannot help here."
            )
        return Questions.about(self.rows, self.votes, choose_questions(self.votes, number, seed=seed))

    def to_table(self, *, everything: bool = False) -> Table:
        """Return one row per checkpoint: the choice and what speaks against it above, groups and notes below.

        Args:
            everything: Whether people see all criteria and settings too; other programs always get them.
        """
        return _table(self, everything)


def _table(ranking: Ranking, everything: bool) -> Table:
    folder = common_folder(row.path for row in ranking.rows)
    hidden = _hidden(ranking)
    rows = [_flat(row) for row in ranking.rows]
    columns = _columns(_COLUMNS, hidden)
    settings = [Column(f"recipe_{name}", name) for name in {name: 0 for row in ranking.rows for name in row.recipe}]
    metrics = [Column(name, name) for name in {name: 0 for row in ranking.rows for name in metric_columns(row)}]
    # How wide the table is with the first so many settings.
    widths = [Table([*columns, *settings[:count]], rows, folder=folder).width for count in range(_MOST_SETTINGS + 1)]
    beside = settings[: max((count for count, width in enumerate(widths) if width <= _WIDTH), default=0)]
    shown = {column.name for column in columns}
    others = [*settings[len(beside) :], *metrics]
    others += [Column(name) for name in {name: 0 for row in rows for name in row} if name not in shown]
    names = {column.name for column in (*columns, *beside)}
    apart = {each.name: replace(each, shown="never") for each in reversed(others) if each.name not in names}
    parts = [_groups(ranking, hidden), _why(ranking)]
    if everything:
        path = next(column for column in columns if column.name == "path")
        moments = [Column("epoch"), Column("step")]
        layers = [each for each in _COLUMNS if each.name in _OF_LAYERS] if _OF_LAYERS & hidden else []
        for title, found in (
            ("settings of the training", settings),
            ("measures of hidden layers", layers),
            ("moments, and what was logged", [*moments, *metrics]),
        ):
            parts += _narrow(Table([path, *found], rows, title=title, folder=folder))
    return Table(
        [*columns, *beside, *reversed(apart.values())],
        rows,
        title=_title(ranking, folder),
        lead=[
            Note(ranking.verdict, "bold"),
            *(Note(f"! {flag.name}: {flag.message}", "yellow") for flag in ranking.flags if flag.is_doubt),
        ],
        notes=list(_notes(ranking, folder, everything)),
        parts=[part for part in parts if part.rows],
        folder=folder,
        styles={index: "bold" for index, row in enumerate(ranking.rows) if row.in_best_set},
    )


def _hidden(ranking: Ranking) -> set[str]:
    """Return the columns that people do not see."""
    rows = ranking.rows
    hidden = {name for name in ("kind", "is_underfit") if not any(getattr(row, name) for row in rows)}
    if ranking.refusal is not None:
        return hidden | _OF_RANKS
    hidden |= {"rank_interval", "epoch"}
    if ranking.criterion in (None, MUTUAL_INFORMATION.name):
        return hidden | {"score", "score_interval"}
    if not any(row.score_interval[0] < row.score_interval[1] for row in rows):  # not known of it
        hidden |= {"score_interval"}
    return hidden | _OF_LAYERS


def _groups(ranking: Ranking, hidden: set[str]) -> Table:
    return Table(
        _columns(_GROUP_COLUMNS, hidden),
        [{**vars(group), "checkpoints": len(group.paths)} for group in ranking.groups],
        title="groups",
        styles={index: "bold" for index, group in enumerate(ranking.groups) if group.in_best_set},
    )


def _why(ranking: Ranking) -> Table:
    lines = [{**vars(each), "criterion": each.criterion.replace("_", " ")} for each in ranking.why]
    return Table([Column("criterion"), Column("leads", align="left"), Column("because")], lines, title="what leads")


def _narrow(table: Table) -> list[Table]:
    """Split a table whose first column names the rows into such as fit a line."""
    first, *columns = table.columns
    parts: list[list[Column]] = [[]]
    for column in columns:
        if not any(row.get(column.name) is not None for row in table.rows):
            continue
        if parts[-1] and replace(table, columns=[first, *parts[-1], column]).width > _WIDTH:
            parts.append([])
        parts[-1].append(column)
    return [replace(table, columns=[first, *part]) for part in parts if part]


def _title(ranking: Ranking, folder: Path) -> str:
    of_layers = f"means over {name_files(ranking.layers)}, nats"
    if ranking.criterion in (None, MUTUAL_INFORMATION.name):
        return f"{folder}: {of_layers}"
    assert ranking.criterion is not None
    return f"{folder}: score is {ranking.criterion.replace('_', ' ')}"


def _columns(columns: tuple[Column, ...], hidden: set[str]) -> list[Column]:
    return [replace(column, shown="never") if column.name in hidden else column for column in columns]


def _flat(row: RankedCheckpoint) -> dict[str, Any]:
    ranks = {f"rank_by_{name}": rank for name, rank in row.ranks.items()}
    settings = {f"recipe_{name}": value for name, value in row.recipe.items()}
    apart = ("metrics", "scores", "ranks", "recipe")
    fields = {name: value for name, value in vars(row).items() if name not in apart}
    return {**row.scores, **metric_columns(row), **ranks, **settings, **fields}


def _notes(ranking: Ranking, folder: Path, everything: bool) -> Iterator[Note]:
    if ranking.control is not None:
        control = ranking.control
        place = "" if control.rank is None else f"would take rank {control.rank}, "
        yield Note(f"{control.path}: {place}MI {control.mutual_information:.4f}, entropy {control.entropy:.4f}")
    if ranking.refusal is None:
        point = "" if ranking.criterion in _OF_HIDDEN_LAYERS else " by more than a point"
        yield Note(
            f"P(best): probability that no other checkpoint is better{point}. "
            "Bold: hold the best in four of five cases.",
            "dim",
        )
    for flag in ranking.flags:
        if not flag.is_doubt and (everything or flag.name in _REMARKS):
            yield Note(f"{flag.name}: {flag.message}")
    if everything:
        yield from _other_choices(ranking, folder)
    for line in files_by_reason(ranking.skipped, folder):
        yield Note(f"skipped {line}", "dim")
    for note in ranking.notes:
        yield Note(f"note: {note}")
    if not everything and len({name for row in ranking.rows for name in row.ranks}) > 1:
        yield Note("Other criteria: --all, or .to_table(everything=True).", "dim")


def _other_choices(ranking: Ranking, folder: Path) -> Iterator[Note]:
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
