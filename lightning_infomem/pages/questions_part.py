"""Inputs to label as part of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_infomem._checks import check_batches
from lightning_infomem._errors import UsageValueError
from lightning_infomem.pages.picture import embed_picture
from lightning_infomem.records.table import Note
from lightning_infomem.sampling.batches import (
    ExampleCounter,
    Part,
    attention_mask,
    input_tensors,
    mark_examples,
    parts_of,
)
from lightning_infomem.selection.questions import Question, Questions

__all__ = ["QuestionsPart", "ShownInput"]

_LONGEST = 2000  # characters of a text


class ShownInput(NamedTuple):
    """An input to label as a page shows it.

    Attributes:
        question: The input.
        picture: Data URI of its picture; None if it is no image, or data are not given.
        text: Its text; None if it is none, or data are not given.
    """

    question: Question
    picture: str | None
    text: str | None


@dataclass(frozen=True)
class QuestionsPart:
    """The values that the template of questions shows.

    Attributes:
        questions: The inputs to label.
        data: Batches that hold them, such as the validation loader, in any order; None to show places only.
        decode: Function from a list of token ids to their text.
    """

    questions: Questions
    data: Iterable[Any] | None = None
    decode: Callable[[list[int]], str] | None = None

    @property
    def notes(self) -> list[str]:
        """What to do with them."""
        return [note.text if isinstance(note, Note) else note for note in self.questions.to_table().notes]

    @property
    def about(self) -> str:
        """What they are."""
        (note,) = self.questions.to_table().lead
        return note.text if isinstance(note, Note) else note

    @cached_property
    def inputs(self) -> list[ShownInput]:
        """The inputs to label, those that tell most first.

        Raises:
            ValueError: An input is not in the data.
        """
        if self.data is None:
            return [ShownInput(question, None, None) for question in self.questions.rows]
        check_batches(self.data, name="data")
        wanted = {question.mark for question in self.questions.rows}
        found: dict[int, tuple[str | None, str | None]] = {}
        for batch in self.data:
            parts = parts_of(batch)
            count, _ = ExampleCounter().count(batch)
            marks = mark_examples(parts, count, torch.arange(count))
            for row, mark in enumerate([] if marks is None else marks[:, 0].tolist()):
                if mark in wanted and mark not in found:
                    found[mark] = self._show(batch, parts, count, row)
            if len(found) == len(wanted):
                break
        missing = wanted - set(found)
        if missing:
            raise UsageValueError(
                f"data: the inputs that the checkpoints were measured on are required, got batches without "
                f"{len(missing)} of {len(wanted)} that are asked about; give the validation loader that the monitor "
                "sampled, with the same transforms."
            )
        return [ShownInput(question, *found[question.mark]) for question in self.questions.rows]

    def _show(self, batch: Any, parts: Sequence[Part], count: int, row: int) -> tuple[str | None, str | None]:
        """Return picture and text of an example."""
        for part in parts:
            if not isinstance(part.value, Tensor) and len(part.value) == count and isinstance(part.value[row], str):
                return None, _shortened(str(part.value[row]))
        mask = attention_mask(batch)
        for tensor, axis in input_tensors(parts, count):
            if tensor is mask or tensor.is_nested:
                continue
            value = tensor.select(axis, row)
            if self.decode is not None and value.ndim == 1 and value.dtype in (torch.int32, torch.int64):
                ids = value if mask is None else value[mask[row].to(value.device) != 0]
                return None, _shortened(str(self.decode(ids.tolist())))
            picture = embed_picture(value)
            if picture is not None:
                return picture, None
        return None, None


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
