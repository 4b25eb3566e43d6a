"""A ranking as part of a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scipy.stats import kendalltau

from lightning_infomem.pages.drawing import Drawing
from lightning_infomem.records.file_names import common_folder, files_by_reason, name_files
from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup, describe_others
from lightning_infomem.records.table import Column, Table
from lightning_infomem.selection.criteria import CRITERIA, MUTUAL_INFORMATION
from lightning_infomem.selection.direction import BETTER, KINDS

if TYPE_CHECKING:
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["RankingPart"]

_CRITERIA = {criterion.name: criterion for criterion in CRITERIA}


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
    def direction(self) -> str:
        """Which values are better."""
        order = self.ranking.order or ""
        return f"{f'For {order} memorization' if order in KINDS else 'By mutual information'} {BETTER[order]}"

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
        return f"It leads in {100 * rows[0].probability_best:.0f} % of the bootstrap draws; {describe_others(rows)}."

    def figure(self) -> Drawing:
        """Draw the ranking."""
        from lightning_infomem.plots import plot_ranking  # late, because it imports matplotlib

        return Drawing.of(plot_ranking(self.ranking), "Mutual information of each checkpoint with its 90 % interval")

    def figure_of_criteria(self) -> Drawing:
        """Draw the ranks by all criteria."""
        from lightning_infomem.plots import plot_criteria

        return Drawing.of(plot_criteria(self.ranking, list(_CRITERIA)), "Rank of each checkpoint by each criterion")

    def recipes(self) -> Table:
        """Return one row per group."""
        (table,) = self.ranking.to_table().parts
        columns = [replace(column, head="recipe") if column.name == "name" else column for column in table.columns]
        return replace(table, columns=columns)

    def checkpoints(self) -> Table:
        """Return one row per checkpoint, then the control; columns without any value are left out."""
        table, ranking = self.ranking.to_table(), self.ranking
        recipe = Column("group", "recipe", shown="always" if any(row.group for row in ranking.rows) else "never")
        rows, styles = [*table.rows], dict(table.styles)
        if ranking.control is not None:
            names = {column.name for column in table.columns}
            control = {name: value for name, value in vars(ranking.control).items() if name in names}
            styles[len(rows)] = "dim italic"
            rows.append({**control, "path": "untrained control"})
        marked = "" if self.is_refused else "Marked: not distinguishable from the best. "
        note = f"{marked}MI (mutual information) and entropy: means over layers, nats. 90 %: intervals, over units."
        columns = [column for column in table.columns if column.name != "group"]
        place = next(place for place, column in enumerate(columns, start=1) if column.name == "path")
        columns.insert(place, recipe)
        return replace(table, columns=columns, rows=rows, styles=styles, notes=[note])

    def other_choices(self) -> Table:
        """Return what each criterion would choose, and how well it agrees with mutual information."""
        columns = [
            Column("criterion"),
            Column("choice", "would choose"),
            Column("rank", "of rank", align="right"),
            Column("tau", "tau-b with MI", ".2f"),
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
        by_information = [row.ranks.get(MUTUAL_INFORMATION.name, 0) for row in rows]
        return {
            **line,
            "choice": name_files([self.name(row) for row in first]),
            "rank": "-".join(map(str, dict.fromkeys(of_rank[:1] + of_rank[-1:]))) or None,
            "tau": float(kendalltau(ranks, by_information).statistic),
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
            "Notes": [note for note in ranking.notes if note != ranking.evidence],  # the verdict shows the evidence
            "Layers": [f"{len(ranking.layers)} ranked separately: {', '.join(ranking.layers)}"],
        }
