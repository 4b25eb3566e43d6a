"""The verdict on one run as part of a page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lightning_infomem.pages.drawing import Drawing
from lightning_infomem.records.file_names import files_by_reason
from lightning_infomem.records.table import Table

if TYPE_CHECKING:
    from lightning_infomem.records.run_verdict import RunVerdict

__all__ = ["VerdictPart"]


@dataclass(frozen=True)
class VerdictPart:
    """The values that the template of a verdict shows."""

    verdict: RunVerdict

    @property
    def has_checkpoints(self) -> bool:
        """Whether any measurement has a checkpoint."""
        return any(row.path is not None for row in self.verdict.rows)

    def figure(self) -> Drawing:
        """Draw what the verdict rests on."""
        from lightning_infomem.plots import plot_run_verdict  # late, because it imports matplotlib

        return Drawing.of(plot_run_verdict(self.verdict), "The run: what is watched, and where the alarm was on")

    def checkpoints(self) -> Table:
        """Return one row per checkpoint; marked are the one to keep, and those with the alarm on."""
        table = self.verdict.to_table()
        known = [(line, row) for line, row in zip(table.rows, self.verdict.rows, strict=True) if row.path is not None]
        styles = {place: "yellow" for place, (_, row) in enumerate(known) if row.is_memorizing}
        styles |= {place: "bold" for place, (_, row) in enumerate(known) if row is self.verdict.kept}
        return replace(table, rows=[line for line, _ in known], styles=styles, notes=())

    def skipped(self) -> list[str]:
        """Return which files were not read, and why."""
        return files_by_reason(self.verdict.skipped, self.verdict.folder)
