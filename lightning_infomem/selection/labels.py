"""Known labels of some inputs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.selection.votes import Votes

__all__ = ["LABEL_COLUMNS", "Labels", "read_label_file", "read_labels"]

# Of the file that `Questions.to_csv` writes; the others are for people.
LABEL_COLUMNS = ("input", "label")

_LARGEST_FILE = 2**26  # bytes


@dataclass(frozen=True)
class Labels:
    """Labels by the place of the input in the data, or by its mark.

    Attributes:
        by_place: Place of an input in the data -> label.
        by_mark: Mark of an input -> label; see `Predictions`.
        where: Where they come from, for messages.
    """

    by_place: Mapping[int, int]
    by_mark: Mapping[int, int]
    where: str

    def apply(self, votes: Votes | None, why_no_votes: str) -> tuple[Votes, list[str]]:
        """Return the votes with these labels, and remarks for the reader.

        Raises:
            ValueError: Predictions cannot be compared, a label is no class, or none is of an input that was sampled.
        """
        if votes is None:
            raise UsageValueError(
                f"labels: predicted classes of the same inputs are required in all checkpoints, but "
                f"{why_no_votes}; leave labels out."
            )
        if self.by_place and votes.places is None:
            raise UsageValueError(
                "labels: the place of each input in the data is not known here, because the data were shuffled, or "
                "examples have several views; give the file that Ranking.ask or `infomem ask` writes, which names "
                "inputs by their digests."
            )
        keys = votes.inputs.tolist() if self.by_mark else [] if votes.places is None else votes.places.tolist()
        given = self.by_mark or self.by_place
        wrong = [label for label in given.values() if not 0 <= label < votes.num_classes]
        if wrong:
            raise UsageValueError(
                f"labels: classes from 0 to {votes.num_classes - 1}, in the order of the networks' outputs, are "
                f"required, got {wrong[0]} in {self.where}."
            )
        found = torch.tensor([given.get(key, -1) for key in keys])
        count = int((found >= 0).sum())
        if not count:
            raise UsageValueError(
                f"labels: labels of inputs that were sampled are required, got {len(given)} in {self.where}, none of "
                "them of such an input; Ranking.ask names inputs whose labels would help."
            )
        left_out = len(set(given) - set(keys))
        notes = [f"{left_out} of {len(given)} labels are of inputs that were not sampled, and are left out"]
        return replace(votes, labels=found), notes if left_out else []


def read_labels(labels: object) -> Labels:
    """Read labels as `rank_checkpoints` takes them; it explains the argument.

    Raises:
        TypeError: They are none of these.
        ValueError: A place or a label is no whole number, an input has two labels, or a file has none.
    """
    if isinstance(labels, (str, Path)):
        return _read_file(Path(labels))
    if isinstance(labels, Mapping):
        return Labels(_whole(labels.items()), {}, "the mapping")
    if isinstance(labels, Tensor):
        labels = labels.tolist() if labels.ndim == 1 else labels
    if isinstance(labels, Iterable) and getattr(labels, "ndim", 1) == 1:
        return Labels(_whole(enumerate(labels)), {}, "the sequence")
    raise UsageTypeError(
        "labels: a mapping from the places of inputs to their labels, one label for each input in order, or a file "
        f"that Ranking.ask has written is required, got {describe(labels)}."
    )


def _whole(pairs: Iterable[tuple[object, object]]) -> dict[int, int]:
    """Return place -> label; those without a label, None or -1, are left out."""
    found = {}
    for place, label in pairs:
        if label is None or label == -1:
            continue
        found[_number(place, "the place of an input")] = _number(label, "a label")
    return found


def _number(value: object, what: str) -> int:
    if isinstance(value, Tensor) and value.ndim == 0:
        value = value.item()
    is_whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not is_whole:
        raise UsageTypeError(f"labels: {what} as a whole number is required, got {describe(value)}.")
    return int(value)  # type: ignore[call-overload,no-any-return]


def _read_file(path: Path) -> Labels:
    found = read_label_file(path)
    if not found:
        raise UsageValueError(
            f"labels: at least one filled in label is required, got none in '{path}'; write the classes of the inputs "
            "into its column 'label'."
        )
    return Labels({}, found, f"'{path}'")


def read_label_file(path: Path) -> dict[int, int]:
    """Read a file of `Questions.to_csv`: mark of an input -> its label, of those that someone filled in.

    Raises:
        ValueError: It is no such file, an input has two labels, or a value is out of place.
    """
    if not path.is_file():
        raise UsageValueError(f"labels: a file that Ranking.ask has written is required, got '{path}'; check its name.")
    if path.stat().st_size > _LARGEST_FILE:
        raise UsageValueError(f"labels: a file of at most {_LARGEST_FILE >> 20} MiB is required, got '{path}'.")
    found: dict[int, int] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            _check_columns(reader.fieldnames or [], path)
            for line, row in enumerate(reader, start=2):
                text = (row["label"] or "").strip()
                if not text:
                    continue
                where = f"line {line} of '{path}'"
                mark, label = _hexadecimal(row["input"], where), _class(text, where)
                if found.setdefault(mark, label) != label:
                    raise UsageValueError(
                        f"labels: one label for each input is required, got {found[mark]} and {label} for input "
                        f"{row['input']} in {where}."
                    )
    except (UnicodeDecodeError, csv.Error) as fault:
        raise UsageValueError(f"labels: a CSV file in UTF-8 is required, got '{path}' ({fault}).") from fault
    return found


def _check_columns(names: Sequence[str], path: Path) -> None:
    missing = [name for name in LABEL_COLUMNS if name not in names]
    if missing:
        raise UsageValueError(
            f"labels: the columns {' and '.join(LABEL_COLUMNS)} are required, got '{path}' without {missing[0]!r}; "
            "give the file that Ranking.ask has written."
        )


def _hexadecimal(text: str | None, where: str) -> int:
    try:
        value = int((text or "").strip(), 16)
    except ValueError:
        value = -1
    if not 0 <= value < 2**64:
        raise UsageValueError(
            f"labels: the digest of an input, 16 hexadecimal digits, is required, got {text!r} in {where}."
        )
    return value - 2**64 if value >= 2**63 else value


def _class(text: str, where: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise UsageValueError(f"labels: the number of a class, from 0, is required, got {text!r} in {where}.")
    return int(text)
