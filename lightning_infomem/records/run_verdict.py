"""The verdict on one run: whether it memorizes, since when, and which checkpoint to keep."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.file_names import common_folder, files_by_reason
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.table import Column, Note, Table, printable
from lightning_infomem.records.tabular import Tabular, metric_columns

__all__ = ["RunRow", "RunVerdict"]


@dataclass(frozen=True)
class RunRow:
    """One measurement of a run.

    Attributes:
        path: Checkpoint of this moment; None if there is none.
        epoch: Epoch of the measurement; None if unknown.
        step: Global step of the measurement; None if unknown.
        mutual_information: Mean over pairs and layers, nats.
        entropy: Mean over units and layers, nats.
        smoothness: Mean of `prediction_smoothness` over layers; NaN if unknown.
        agreement: Share of inputs predicted as the consensus of the run predicts them; NaN if unknown.
        is_memorizing: Whether the alarm was on at this moment.
        metrics: What ModelCheckpoint monitored when it saved the checkpoint, name -> value.
    """

    path: Path | None
    epoch: int | None
    step: int | None
    mutual_information: float
    entropy: float
    smoothness: float = math.nan
    agreement: float = math.nan
    is_memorizing: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        measures = f"mutual information {self.mutual_information:.4f}, entropy {self.entropy:.4f} nats"
        place = "no checkpoint" if self.path is None else f"'{printable(str(self.path))}'"
        return f"{place}, {self.name}: {measures}" + ", memorizing" * self.is_memorizing

    @property
    def name(self) -> str:
        """Epoch and step, for people."""
        known = (("epoch", self.epoch), ("step", self.step))
        return ", ".join(f"{unit} {value}" for unit, value in known if value is not None) or "an unknown moment"


@dataclass(frozen=True)
class RunVerdict(Tabular):
    """Whether one run memorizes, since when, and which of its checkpoints to keep; `print` shows a table.

    Attributes:
        rows: The measurements of the run, oldest first.
        judgement: Result of the alarm at the last of them.
        kept: The moment to keep, one of the rows; None if there is an `abstention`. Its path is None if it has no
            checkpoint.
        nearest_earlier: The last checkpoint before the moment to keep, if that moment has none; None if there is no
            earlier one, or if it is not needed.
        notes: What the verdict rests on, and what people usually take: the last epoch, and the best by validation.
        skipped: Path -> why a checkpoint could not be used.
    """

    rows: tuple[RunRow, ...]
    judgement: Judgement
    kept: RunRow | None = None
    nearest_earlier: Path | None = None
    notes: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_memorizing(self) -> bool:
        """Whether the run has begun to store single examples; False if there is an `abstention`."""
        return self.judgement.is_memorizing

    @property
    def abstention(self) -> str | None:
        """Why no verdict is possible; None if there is one."""
        return self.judgement.abstention

    @property
    def since(self) -> RunRow | None:
        """The first row at which the run memorizes, among those that are known; None if it does not.

        The alarm comes a few measurements later, because the run may recover.
        """
        return self.rows[-self.judgement.streak] if self.is_memorizing else None

    @property
    def alarm(self) -> RunRow | None:
        """The row at which the alarm was raised; None if it is off."""
        off = [index for index, row in enumerate(self.rows) if not row.is_memorizing]
        return self.rows[max(off, default=-1) + 1] if self.is_memorizing else None

    @property
    def best(self) -> RunRow:
        """The row of the checkpoint to keep, which has a ``path``.

        Raises:
            ValueError: There is an `abstention`, or the moment to keep has no checkpoint; see ``kept`` and
                ``nearest_earlier``.
        """
        if self.kept is None or self.kept.path is None:
            raise UsageValueError(self.verdict)
        return self.kept

    @property
    def verdict(self) -> str:
        """Whether the run memorizes and what to keep, in one to three sentences."""
        if self.kept is None:
            return f"No verdict on this run: {self.abstention}."
        if self.since is None or self.alarm is None:
            return f"This run shows no sign of storing single examples. Keep {self._what_to_keep()}."
        return (
            f"This run stores single examples from {self.since.name} on (alarm at {self.alarm.name}): at its end "
            "neighbours in its layers are predicted less alike than before (by "
            f"{self.judgement.smoothness_drop:.2f}), and {self.judgement.consensus_drop:.0%} more of the inputs are "
            f"predicted otherwise than at most of its measurements. Keep {self._what_to_keep()}."
        )

    def to_table(self) -> Table:
        """Return one row per measurement, with the verdict, skipped files and notes below."""
        folder = self.folder
        metrics = dict.fromkeys(name for row in self.rows for name in metric_columns(row))
        skipped = files_by_reason(self.skipped, folder)
        return Table(
            [*_COLUMNS, *(Column(name, name) for name in metrics)],
            [{**metric_columns(row), **vars(row)} for row in self.rows],
            title=("" if folder == Path() else f"{folder}: ") + "means over layers, MI and entropy in nats",
            notes=[
                Note(self.verdict, "bold"),
                *(Note(f"skipped {line}", "dim") for line in skipped),
                *(f"note: {note}" for note in self.notes),
            ],
            folder=folder,
            styles={index: "bold" for index, row in enumerate(self.rows) if row is self.kept},
        )

    def _what_to_keep(self) -> str:
        assert self.kept is not None
        if self.kept.path is not None:
            return f"'{os.path.relpath(self.kept.path, self.folder)}'"
        if self.nearest_earlier is not None:
            earlier = os.path.relpath(self.nearest_earlier, self.folder)
            return f"{self.kept.name}, which has no checkpoint here; the nearest earlier one is '{earlier}'"
        if all(row.path is None for row in self.rows):
            return f"{self.kept.name}; there is no checkpoint of this run here"
        return f"{self.kept.name}, which has no checkpoint here, and neither has any earlier moment"

    @property
    def folder(self) -> Path:
        """The folder that all checkpoints share."""
        paths = [path for path in (*(row.path for row in self.rows), self.nearest_earlier) if path is not None]
        return common_folder(paths) if paths else Path()


_COLUMNS = (
    Column("path", "checkpoint"),
    Column("epoch"),
    Column("step", shown="wide"),
    Column("mutual_information", "MI", ".4f"),
    Column("entropy", form=".4f"),
    Column("smoothness", form=".3f"),
    Column("agreement", "consensus", ".3f"),
    Column("is_memorizing", "alarm"),
)
