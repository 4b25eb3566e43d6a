"""What the epochs of one run come to: whether it memorizes, since when, and which checkpoint to keep."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.file_names import files_by_reason
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.table import Column, Note, Table
from lightning_infomem.records.tabular import Tabular

__all__ = ["RunRow", "RunVerdict"]


@dataclass(frozen=True)
class RunRow:
    """One measurement of a run.

    Attributes:
        path: The checkpoint of this moment; None where none is at hand.
        epoch: Epoch of the run; None where it is not known.
        step: Global step of the run; None where it is not known.
        mutual_information: Mean over pairs and layers, nats.
        entropy: Mean over units and layers, nats.
        smoothness: Mean of `prediction_smoothness` over layers; NaN where it is not known.
        agreement: Share of inputs predicted as the consensus of the run predicts them; NaN where it is not known.
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

    @property
    def name(self) -> str:
        """Its epoch and step, for people."""
        known = (("epoch", self.epoch), ("step", self.step))
        return ", ".join(f"{unit} {value}" for unit, value in known if value is not None) or "an unknown moment"


@dataclass(frozen=True)
class RunVerdict(Tabular):
    """Whether one run memorizes, since when, and which of its checkpoints to keep; `print` shows a table.

    Attributes:
        rows: The measurements of the run, oldest first.
        judgement: What the alarm says at the last of them.
        kept: The moment to keep, one of the rows; None where nothing can be told. Its path is None where no checkpoint
            of this moment is at hand.
        nearest_earlier: The last checkpoint before the moment to keep, where that has none; None where there is no
            earlier one, or it is not needed.
        notes: What the verdict rests on, and what people take today: the last epoch, and the best by validation.
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
        """Whether the run has begun to store single examples; False where there is an `abstention`."""
        return self.judgement.is_memorizing

    @property
    def abstention(self) -> str | None:
        """Why nothing can be told; None where something can."""
        return self.judgement.abstention

    @property
    def since(self) -> RunRow | None:
        """The row from which on the run memorizes; None where it does not.

        The alarm comes some measurements later, because it waits whether the run recovers.
        """
        return self.rows[-self.judgement.streak] if self.is_memorizing else None

    @property
    def alarm(self) -> RunRow | None:
        """The row at which the alarm was raised; None where it is off."""
        off = [index for index, row in enumerate(self.rows) if not row.is_memorizing]
        return self.rows[max(off, default=-1) + 1] if self.is_memorizing else None

    @property
    def best(self) -> RunRow:
        """The row of the checkpoint to keep, which has a ``path``.

        Raises:
            ValueError: Nothing can be told, or no checkpoint of the moment to keep is at hand; see ``kept`` and
                ``nearest_earlier``.
        """
        if self.kept is None or self.kept.path is None:
            raise UsageValueError(self.verdict)
        return self.kept

    @property
    def verdict(self) -> str:
        """Whether the run memorizes and what to keep, in one to three sentences."""
        if self.kept is None:
            return f"One run, of which nothing can be told: {self.abstention}."
        if self.since is None or self.alarm is None:
            return f"One run, without a sign that it stores single examples: keep its last, {self._what_to_keep()}."
        return (
            f"This run stores single examples from {self.since.name} on (alarm at {self.alarm.name}): at its end "
            "neighbours in its layers are predicted less alike than before (by "
            f"{self.judgement.smoothness_drop:.2f}), and {self.judgement.consensus_drop:.0%} more of the inputs "
            f"otherwise than at most of its measurements. Keep {self._what_to_keep()}."
        )

    def to_table(self) -> Table:
        """One row per measurement; below them the verdict, skipped files and notes."""
        folder = self._folder()
        metrics = list(dict.fromkeys(name for row in self.rows for name in _metrics(row)))
        inside = f"{folder}{os.sep}"
        skipped = files_by_reason({path.removeprefix(inside): reason for path, reason in self.skipped.items()})
        return Table(
            [*_COLUMNS, *(Column(name, name) for name in metrics)],
            [
                {**_metrics(row), **{name: vars(row)[name] for name in vars(row) if name != "metrics"}}
                for row in self.rows
            ],
            title=f"{folder}: means over layers, MI and entropy in nats",
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
            return f"'{self._short(self.kept.path)}'"
        if self.nearest_earlier is None:
            return f"{self.kept.name}, of which no checkpoint is at hand, and none of any moment before it"
        earlier = self._short(self.nearest_earlier)
        return f"{self.kept.name}, of which no checkpoint is at hand; the nearest earlier one is '{earlier}'"

    def _folder(self) -> Path:
        """The folder that all checkpoints share."""
        paths = [row.path for row in self.rows if row.path is not None] + [
            path for path in (self.nearest_earlier,) if path is not None
        ]
        return Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()

    def _short(self, path: Path) -> str:
        return os.path.relpath(path, self._folder())


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


def _metrics(row: RunRow) -> dict[str, float]:
    """A metric that is called like a column keeps both."""
    return {f"metric_{name}" if name in vars(row) else name: value for name, value in row.metrics.items()}
