"""Inputs whose labels would help, in a file that someone fills in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from lightning_infomem.records.file_names import common_folder
from lightning_infomem.records.ranking_row import RankedCheckpoint
from lightning_infomem.records.table import Column, Note, Table
from lightning_infomem.records.tabular import Tabular
from lightning_infomem.selection.votes import Votes

__all__ = ["Question", "Questions"]

_LEADING = 6  # checkpoints whose predictions are shown
_NAMED = 2  # of those that predict one class


@dataclass(frozen=True)
class Question:
    """An input to label.

    Attributes:
        place: Place of the input in the loader, in its unshuffled order, from 0; None if unknown. See `Predictions`.
        loader: Index of the validation loader; None if unknown.
        input: Digest that identifies the input: 16 hexadecimal digits.
        says: What the leading checkpoints predict, such as "3: a.ckpt, b.ckpt; 5: c.ckpt".
        label: Its class; None until it is known.
    """

    place: int | None
    loader: int | None
    input: str
    says: str
    label: int | None = None

    @property
    def mark(self) -> int:
        """The mark of the input as `Predictions` has it."""
        value = int(self.input, 16)
        return value - 2**64 if value >= 2**63 else value


@dataclass(frozen=True)
class Questions(Tabular):
    """Inputs whose labels would tell most about which checkpoint is best; `print` shows a table.

    Write `to_csv` to a file, fill in its column "label" with numbers of classes, and give the file to
    `rank_checkpoints` as ``labels``. Or give ``{place: label}`` with the places in ``indices``.

    Attributes:
        rows: The inputs to label, those that tell most first.
        answered: The inputs whose labels are known already. They follow in the file, so that it holds all labels.
        num_classes: Number of classes.
        num_checkpoints: Number of checkpoints that are compared.
    """

    rows: tuple[Question, ...]
    answered: tuple[Question, ...]
    num_classes: int
    num_checkpoints: int

    @classmethod
    def about(cls, ranked: Sequence[RankedCheckpoint], votes: Votes, chosen: Tensor) -> Questions:
        """Describe the chosen inputs.

        Args:
            ranked: The checkpoints, best first.
            votes: Their predictions.
            chosen: Places of the chosen inputs among those of ``votes``.
        """
        folder = common_folder(row.path for row in ranked)
        lines = {path: line for line, path in enumerate(votes.paths)}
        leading = [(os.path.relpath(row.path, folder), votes.classes[lines[row.path]]) for row in ranked[:_LEADING]]

        def describe(entry: int) -> Question:
            label = int(votes.labels[entry])
            return Question(
                place=None if votes.places is None else int(votes.places[entry]),
                loader=votes.loader,
                input=f"{int(votes.inputs[entry]) % 2**64:016x}",
                says=_says([(name, int(classes[entry])) for name, classes in leading]),
                label=None if label < 0 else label,
            )

        answered = (votes.labels >= 0).nonzero()[:, 0]
        return cls(
            rows=tuple(map(describe, chosen.tolist())),
            answered=tuple(map(describe, answered.tolist())),
            num_classes=votes.num_classes,
            num_checkpoints=len(ranked),
        )

    @property
    def indices(self) -> list[int]:
        """Places of the inputs to label in the data, in the order of the rows; empty if places are not known."""
        return [row.place for row in self.rows if row.place is not None]

    def to_table(self) -> Table:
        """Return one row per input, those to label first."""
        rows = [*self.rows, *self.answered]
        labelled = f"; {len(self.answered)} more are labelled" if self.answered else ""
        about = (
            f"{len(self.rows)} inputs whose labels would tell most about which of {self.num_checkpoints} checkpoints "
            f"is best{labelled}"
        )
        where = (
            "'place' counts the inputs of the validation loader from 0, unshuffled."
            if self.indices
            else "The places of the inputs are not known, because the data were shuffled; the digests find them."
        )
        return Table(
            [
                Column("place", shown="always" if self.indices else "never"),
                Column("loader", shown="always" if any(row.loader for row in rows) else "never"),
                Column("input"),
                Column("says", "the leading checkpoints say"),
                Column("label", align="right"),
            ],
            [vars(row) for row in rows],
            lead=[Note(about, "bold")],
            notes=[
                f"Write the number of each class, 0 to {self.num_classes - 1} in the order of the outputs, into "
                "'label', and leave unsure ones empty.",
                where,
            ],
        )


def _says(predicted: Sequence[tuple[str, int]]) -> str:
    """Name the checkpoints that predict each class, the class of most first.

    >>> _says([("a.ckpt", 3), ("b.ckpt", 3), ("c.ckpt", 5), ("d.ckpt", 3)])
    '3: a.ckpt, b.ckpt and 1 more; 5: c.ckpt'
    """
    by_class: dict[int, list[str]] = {}
    for name, number in predicted:
        by_class.setdefault(number, []).append(name)
    parts = []
    for number, names in sorted(by_class.items(), key=lambda item: -len(item[1])):
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        parts.append(f"{'unknown' if number < 0 else number}: {', '.join(names[:_NAMED])}{more}")
    return "; ".join(parts)
