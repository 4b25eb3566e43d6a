"""Checkpoints of one training run: a course over epochs, of which one is kept, not a choice between recipes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from lightning_infomem.records.judgement import Judgement
from lightning_infomem.runs.alarm import judge
from lightning_infomem.selection.candidates import Candidate

__all__ = ["REFUSAL", "JudgedRun", "judge_run", "looks_like_one_run", "tell_of_run"]

REFUSAL = (
    "these are epochs of one run, along which neither the lowest nor the highest value marks the best epoch; to rank "
    "them as if they were recipes give along_run=False."
)


class JudgedRun(NamedTuple):
    """A run, and which of its checkpoints to keep.

    Attributes:
        judgement: at the last checkpoint; its moments are the checkpoints in the order of training, copies left out.
        kept: index of a candidate; None where nothing can be told.
        smoothness: of each candidate, mean over layers; NaN where it has none.
        agreement: of each candidate with the consensus of the run; NaN where it cannot be compared.
    """

    judgement: Judgement
    kept: int | None
    smoothness: list[float]
    agreement: list[float]


def judge_run(candidates: Sequence[Candidate]) -> JudgedRun:
    """Judge a run by the checkpoints that are at hand; fewer of them see less of it.

    Args:
        candidates: at least one, with epochs or steps, in any order.
    """
    first_of: dict[tuple[int, int], int] = {}
    for index, each in enumerate(candidates):
        if each.moment is not None:
            first_of.setdefault(_place(each), index)
    in_order = [first_of[place] for place in sorted(first_of)]
    course = [moment for index in in_order if (moment := candidates[index].moment) is not None]
    judgement = judge(course)
    agreement = dict(zip(sorted(first_of), judgement.agreement, strict=False))
    return JudgedRun(
        judgement,
        None if judgement.abstention is not None else in_order[judgement.kept],
        [math.nan if each.moment is None else each.moment.mean_smoothness for each in candidates],
        [agreement.get(_place(each), math.nan) for each in candidates],
    )


def looks_like_one_run(candidates: Sequence[Candidate]) -> bool:
    """One folder, and every epoch once; copies of a checkpoint, as `last.ckpt` can be, do not count."""
    folders = {each.path.parent for each in candidates}
    moments = {
        (each.epoch, each.step, *(layer.mutual_information for layer in each.layers.values())) for each in candidates
    }
    epochs = [moment[0] for moment in moments]
    return len(folders) == 1 and None not in epochs and 1 < len(epochs) == len(set(epochs))


def tell_of_run(candidates: Sequence[Candidate]) -> list[str]:
    """What people take today: the last epoch, and the best by each metric of validation that is known."""
    last = max(candidates, key=_place)
    notes = [f"last epoch: '{last.path.name}'"]
    for criterion, choose in (("validation_loss", min), ("validation_accuracy", max)):
        known = [each for each in candidates if criterion in each.scores]
        if known:
            best = choose(known, key=lambda each: each.scores[criterion])
            name = criterion.replace("_", " ")
            notes.append(f"best {name}: '{best.path.name}' ({best.scores[criterion]:.4g})")
    return notes


def _place(candidate: Candidate) -> tuple[int, int]:
    """In the order of training."""
    epoch, step = candidate.epoch, candidate.step
    return (-1 if epoch is None else epoch, -1 if step is None else step)
