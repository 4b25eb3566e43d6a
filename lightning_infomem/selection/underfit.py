"""Recognise networks that were hardly trained."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lightning_infomem.records.file_names import name_files
from lightning_infomem.records.flag import Flag
from lightning_infomem.selection.candidates import Candidate

__all__ = ["doubts_of_underfit", "find_underfit"]

_LEARNED = 0.05  # of what the network that learned most did


def find_underfit(candidates: Sequence[Candidate]) -> list[bool | None]:
    """Say of each checkpoint whether its network was hardly trained; None where nothing tells.

    The training loss tells, where the monitor stored it: a network was hardly trained if its loss has fallen by less
    than a twentieth of what it fell by in the network with the lowest loss, counted from that of guessing, ln(classes).
    Else the confidence tells, in the same way. Where nearly half of the labels of two classes are wrong, a good network
    learns little more.

    Args:
        candidates: The checkpoints.
    """
    learned = [_learned(each) for each in candidates]
    found: list[bool | None] = [None] * len(candidates)
    for measure in range(2):
        values = [each[measure] for each in learned]
        known = [value for value in values if value is not None]
        most = max(known, default=0.0)
        if most <= 0:
            continue
        for place, value in enumerate(values):
            if value is not None and found[place] is None:
                found[place] = value < _LEARNED * most
    return found


def doubts_of_underfit(candidates: Sequence[Candidate], underfit: Sequence[bool | None]) -> list[Flag]:
    """Return a remark "underfit" that names the networks that were hardly trained."""
    files = [str(each.path) for each, is_underfit in zip(candidates, underfit, strict=True) if is_underfit]
    if not files:
        return []
    words = "its network" if len(files) == 1 else "their networks"
    message = f"{name_files(files)}: {words} learned hardly anything, and cannot win by a measure of hidden layers"
    return [Flag("underfit", message, is_doubt=False)]


def _learned(candidate: Candidate) -> tuple[float | None, float | None]:
    """Return how far the training loss has fallen from that of guessing, and the confidence risen; None if unknown."""
    confidence, loss = candidate.scores.get("mean_confidence"), candidate.training_loss
    classes = None if candidate.predictions is None else candidate.predictions.num_classes
    if classes is None:
        return None, None
    fallen = None if loss is None else math.log(classes) - loss
    risen = None if confidence is None or not np.isfinite(confidence) else confidence - 1 / classes
    return fallen, risen
