"""A ranking as part of a page."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scipy.stats import kendalltau

from lightning_infomem.pages.drawing import Drawing
from lightning_infomem.records.file_names import common_folder, files_by_reason, name_files
from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup, describe_others
from lightning_infomem.records.table import Column, Table
from lightning_infomem.records.tabular import metric_columns
from lightning_infomem.selection.criteria import CRITERIA, MUTUAL_INFORMATION, RANKME
from lightning_infomem.selection.direction import BETTER, KINDS

if TYPE_CHECKING:
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["RankingPart"]

_CRITERIA = {criterion.name: criterion for criterion in CRITERIA}

_OF_CHECKPOINTS = {
    *("rank", "rank_interval", "epoch", "score", "score_interval", "probability_best", "mutual_information"),
    *("interval", "entropy", "entropy_rank", "kind", "is_underfit"),
}


@dataclass(frozen=True)
class RankingPart:
    """The values that the template of a ranking shows."""

    ranking: Ranking

    @property
    def folder(self) -> str:
        """Folder that contains all checkpoints."""
        return str(common_folder(row.path for row in self.ranking.rows))

    @property
    def is_refused(self) -> bool:
        """Whether there is no ranking, only values."""
        return self.ranking.refusal is not None

    @property
    def criterion(self) -> str:
        """Criterion that leads, in words."""
        return self._leader.replace("_", " ")

    @property
    def reason(self) -> str:
        """Why it leads, or which values are better."""
        order = self.ranking.order or ""
        because = next((each.because for each in self.ranking.why if each.leads), "")
        if self._leader != MUTUAL_INFORMATION.name:
            return because
        return f"{f'For {order} memorization' if order in KINDS else 'By mutual information'} {BETTER[order]}"

    @property
    def _leader(self) -> str:
        return self.ranking.criterion or MUTUAL_INFORMATION.name

    @property
    def criteria(self) -> list[str]:
        """Criteria by which at least one checkpoint is ranked."""
        return [name for name in _CRITERIA if any(name in row.ranks for row in self.ranking.rows)]

    def name(self, row: RankedCheckpoint) -> str:
        """Return the path of a checkpoint below the folder."""
        return os.path.relpath(row.path, self.folder)

    def certainty(self, rows: Sequence[RankedCheckpoint] | Sequence[RankedGroup]) -> str:
        """Return how certain it is that the first row is the best."""
        if rows[0].probability_best is None:
            return ""
        is_of_layers = self._leader in (MUTUAL_INFORMATION.name, RANKME.name)
        best = "the best" if is_of_layers else "the best, or within a point of it,"
        return f"It is {best} with a probability of {rows[0].probability_best:.2f}; {describe_others(rows)}."

    def figure(self) -> Drawing:
        """Draw the ranking."""
        from lightning_infomem.plots import plot_ranking  # late, because it imports matplotlib

        return Drawing.of(plot_ranking(self.ranking), f"{_sentence_case(self.criterion)} of each checkpoint")

    def figure_of_criteria(self) -> Drawing:
        """Draw the ranks by all criteria."""
        from lightning_infomem.plots import plot_criteria

        return Drawing.of(plot_criteria(self.ranking, list(_CRITERIA)), "Rank of each checkpoint by each criterion")

    def considered(self) -> Table:
        """Return the criteria that could lead, and why one does; without any line if that is not known."""
        return self._part("what leads")

    def recipes(self) -> Table:
        """Return one row per group."""
        table = self._part("groups")
        columns = [replace(column, head="recipe") if column.name == "name" else column for column in table.columns]
        return replace(table, columns=[_shown(column, table) for column in columns], title="")

    def checkpoints(self) -> Table:
        """Return one row per checkpoint, then the control; columns without any value are left out."""
        table, ranking = self.ranking.to_table(), self.ranking
        rows, styles = [*table.rows], dict(table.styles)
        names = {column.name for column in table.columns}
        if ranking.control is not None:
            known = {**vars(ranking.control), "score": ranking.control.scores.get(self._leader)}
            control = {name: value for name, value in known.items() if name in names}
            styles[len(rows)] = "dim italic"
            rows.append({**control, "path": "untrained control"})
        marked = "" if self.is_refused else "Marked: not distinguishable from the best. "
        note = f"{marked}MI (mutual information) and entropy: means over layers, nats. 90 %: intervals."
        logged = {name for row in ranking.rows for name in metric_columns(row)}
        settings = {f"recipe_{name}" for row in ranking.rows for name in row.recipe}
        shown = [
            _shown(column, table) if column.name in _OF_CHECKPOINTS | logged | settings else column
            for column in table.columns
            if column.name != "group"
        ]
        if self._leader == MUTUAL_INFORMATION.name:
            shown = [column for column in shown if column.name not in ("score", "score_interval")]
        place = next(place for place, column in enumerate(shown, start=1) if column.name == "path")
        shown.insert(place, _shown(Column("group", "recipe"), table))
        return replace(table, columns=shown, rows=rows, styles=styles, notes=[note])

    def _part(self, title: str) -> Table:
        parts = self.ranking.to_table().parts
        return next((part for part in parts if part.title == title), Table([], []))

    def other_choices(self) -> Table:
        """Return what each criterion would choose, and how well it agrees with the one that leads."""
        columns = [
            Column("criterion"),
            Column("choice", "would choose"),
            Column("rank", "of rank", align="right"),
            Column("tau", f"tau-b with {self.criterion}", ".2f"),
            Column("definition"),
            Column("source"),
        ]
        return Table(columns, [self._choice(name) for name in self.criteria])

    def _choice(self, name: str) -> dict[str, Any]:
        criterion = _CRITERIA[name]
        rows = [row for row in self.ranking.rows if name in row.ranks]
        ranks = [row.ranks[name] for row in rows]
        line = {
            "criterion": name.replace("_", " "),
            "definition": criterion.formula.replace("`", ""),
            "source": criterion.source,
        }
        if len(set(ranks)) == 1:
            return {**line, "choice": "all alike"}
        first = [row for row in rows if row.ranks[name] == 1]
        of_rank = sorted({row.rank for row in first if row.rank is not None})
        by_leader = [row.ranks.get(self._leader, 0) for row in rows]
        return {
            **line,
            "choice": name_files([self.name(row) for row in first]),
            "rank": "-".join(map(str, dict.fromkeys(of_rank[:1] + of_rank[-1:]))) or None,
            "tau": float(kendalltau(ranks, by_leader).statistic),
        }

    def lists(self) -> dict[str, list[str]]:
        """Return heading -> lines for everything that is not in the tables."""
        ranking, needs = self.ranking, dict[str, list[str]]()
        for name, need in ranking.missing.items():
            needs.setdefault(need, []).append(name.replace("_", " "))
        not_known = [f"{', '.join(names)}: needs {need}" for need, names in needs.items()]
        return {
            "Not known": [] if self.is_refused else not_known,
            "Skipped files": files_by_reason(ranking.skipped, self.folder),
            "Remarks": [
                f"{flag.name.replace('_', ' ')}: {flag.message}" for flag in ranking.flags if not flag.is_doubt
            ],
            "Notes": [note for note in ranking.notes if note != ranking.evidence],  # the verdict shows the evidence
            "Layers": [f"{len(ranking.layers)} ranked separately: {', '.join(ranking.layers)}"],
        }


def _shown(column: Column, table: Table) -> Column:
    """Show a column if any row has a value, and one that says more than that nothing is wrong."""
    values = [row.get(column.name) for row in table.rows]
    known = [value for value in values if value not in (None, False)]
    is_known = any(value == value and value != (math.nan, math.nan) for value in known)
    return replace(column, shown="always" if is_known else "never")


def _sentence_case(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
