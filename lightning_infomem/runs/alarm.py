"""Detect memorization in a single run, without labels, and choose the moment to keep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.moment import Moment
from lightning_infomem.records.tasks import why_no_classes

__all__ = ["MIN_MOMENTS", "PATIENCE", "SETTLED", "THRESHOLD", "judge", "judge_next", "read_judged", "say_too_few"]

# Chosen by leave-one-family-out cross-validation on 136 runs, then frozen; the README reports their performance.
THRESHOLD = 0.05
PATIENCE = 3  # consecutive moments
SETTLED = 0.75  # share of the classes in use

MIN_MOMENTS = PATIENCE + 1  # with fewer, nothing can have dropped
_MIN_SAMPLES = 50  # with 50, one sample is 2 points


def judge(course: Sequence[Moment]) -> Judgement:
    """Detect whether a run memorizes individual examples, from its predictions on validation inputs alone.

    A network that begins to memorize examples bends its predictions around them. On inputs it was not trained on, this
    has two effects: neighbors in its layers are predicted less alike than before, and predictions depart from the
    majority vote over the moments of the run. The run counts as memorizing when both the smoothness and the agreement
    with the consensus have dropped by 5 points (`THRESHOLD`) at 3 consecutive moments (`PATIENCE`), until one of them
    recovers. Early moments with fewer than three quarters of the last moment's classes in use (by the exponential of
    their entropy) are left out of the comparison.

    It detects neither shortcuts nor memorization that is present from the first moment on. It abstains if the last
    moment's network does not classify, or if that is unknown.

    Args:
        course: Moments of the run, oldest first.

    Returns:
        The judgement at the last moment.

    Raises:
        ValueError: The course is empty.

    Cost:
        ``moments**2 * samples``; `judge_next` takes ``moments * samples`` for each further moment.

    Reference:
        Our own method. Related: Yuan et al. (2024), Early Stopping Against Label Noise Without Validation Data, ICLR,
        who count changes of predictions on training inputs; Arpit et al. (2017), A Closer Look at Memorization in Deep
        Networks, ICML, for the order in which networks learn.
    """
    if not course:
        raise UsageValueError("course: at least one moment is required, got none; measure first.")
    judgement: Judgement | None = None
    for end in range(1, len(course) + 1):
        judgement = judge_next(course[:end], judgement)
    assert judgement is not None
    return judgement


def judge_next(course: Sequence[Moment], before: Judgement | None) -> Judgement:
    """Judge a run at its last moment, given the judgement at the previous one.

    Args:
        course: Moments of the run, oldest first, at least one.
        before: Judgement at the previous moment; None at the first.

    Returns:
        The judgement at the last moment; see `judge`.
    """
    last = len(course) - 1
    no_classes = _why_not_judged(course[-1])
    if no_classes is not None:  # more moments would not help
        return Judgement(False, last, abstention=no_classes)
    start = _first_comparable(course)
    reason = _why_not_comparable(course[-1])
    too_early = _why_too_early(len(course) - start, len(course))
    if reason is not None:
        return Judgement(False, last, abstention=too_early or reason)
    comparable = course[start:]
    # Memorizing moments do not vote: in a long run they would become the consensus.
    voters = before.voters if before is not None and before.is_memorizing and before.voters > start else len(course)
    now = _drops(
        _smoothness_of(comparable),
        torch.tensor([moment.classes_in_use for moment in comparable], dtype=torch.float64),
        torch.stack([moment.predicted for moment in comparable if moment.predicted is not None]),
        voters - start,
    )
    has_dropped = min(now.smoothness_drop, now.consensus_drop) >= THRESHOLD
    streak = (1 if before is None else before.streak + 1) if has_dropped else 0
    if too_early is not None:
        return Judgement(False, last, streak=streak, abstention=too_early)
    is_memorizing = streak >= PATIENCE
    return replace(
        now,
        is_memorizing=is_memorizing,
        kept=start + now.kept if is_memorizing else last,
        streak=streak,
        voters=voters,
        agreement=(*(math.nan,) * start, *now.agreement),
    )


def read_judged(state: Mapping[str, Any]) -> tuple[list[Moment], Judgement | None]:
    """Restore the moments of a run and the judgement at the last of them from a callback's state.

    Args:
        state: State with ``moments`` from `Moment.to_state` and ``judgement`` from `Judgement.to_state`.

    Returns:
        The moments and the judgement; an empty list and None if the state has no moments.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: The state is damaged.
    """
    moments = [Moment.from_state(each) for each in state.get("moments", ())]
    if not moments:
        return [], None
    judgement = Judgement.from_state(state["judgement"])
    if not 0 <= judgement.kept < len(moments) or len(judgement.agreement) > len(moments):
        raise UsageValueError(f"the judgement does not match its {len(moments)} moments")
    return moments, judgement


def say_too_few(measured: int) -> str:
    """Return why so few measurements are not judged."""
    return f"{measured} measurements of the run are too few, {MIN_MOMENTS} are required"


def _drops(smoothness: Tensor, classes: Tensor, predicted: Tensor, voters: int) -> Judgement:
    """Compute the drops at the last moment, and the voter closest to the consensus; on ties, the last such voter."""
    is_settled = (classes >= SETTLED * classes[-1]) & smoothness.isfinite()
    votes = is_settled & (torch.arange(len(classes)) < voters)
    if not bool(votes.any()):  # no voter has enough classes in use
        votes = is_settled
    consensus = predicted[votes].mode(dim=0).values  # on ties, the smallest class
    agrees = (predicted == consensus).double()
    agreement = agrees.mean(1).masked_fill(~is_settled, math.nan)
    kept = int((votes & (agreement == agreement[votes].max())).nonzero()[-1])
    differences = agrees[kept] - agrees[-1]
    return Judgement(
        is_memorizing=False,
        kept=kept,
        smoothness_drop=(smoothness[is_settled].max() - smoothness[-1]).item(),
        consensus_drop=differences.mean().item(),
        consensus_drop_error=differences.std(correction=0).item() / math.sqrt(len(differences)),
        agreement=tuple(agreement.tolist()),
    )


def _first_comparable(course: Sequence[Moment]) -> int:
    """Return the index from which on all moments were measured on the inputs of the last one."""
    last = course[-1]
    for index in range(len(course) - 1, -1, -1):
        each = course[index]
        if each.predicted is None or last.predicted is None:
            return index + 1
        # Compare shapes too, since a damaged file can be inconsistent.
        if each.probe != last.probe or each.predicted.shape != last.predicted.shape:
            return index + 1
    return 0


def _why_not_judged(last: Moment) -> str | None:
    is_known = last.predicted is not None and last.probe is not None
    if last.probe is None and last.task == "classification":
        return (
            "the inputs cannot be recognised from one validation to the next: batches with a tensor that has a row for "
            "each example, or with a list of images or texts, are required"
        )
    if not is_known and last.task not in ("regression", "none"):
        return "the predicted classes are not known: a network that ends in a linear layer of classes is required"
    return why_no_classes(last.task, last.task_reason)


def _why_not_comparable(last: Moment) -> str | None:
    inputs = 0 if last.predicted is None else len(last.predicted)
    if inputs < _MIN_SAMPLES:
        return f"{inputs} validation inputs are too few, {_MIN_SAMPLES} are required"
    if not last.finite_layers:
        return "no layer has a smoothness: the predictions are all the same, or not finite"
    return None


def _why_too_early(comparable: int, measured: int) -> str | None:
    if comparable >= MIN_MOMENTS:
        return None
    if comparable < measured:
        return (
            f"the validation inputs changed before the last {comparable} of {measured} measurements; validate the same "
            "inputs in the same order"
        )
    return say_too_few(measured)


def _smoothness_of(course: Sequence[Moment]) -> Tensor:
    """Return the smoothness of each moment, averaged over the finite layers of the last one."""
    layers = course[-1].finite_layers
    means = [each.mean_smoothness if each.finite_layers == layers else each.smoothness_of(layers) for each in course]
    return torch.tensor(means, dtype=torch.float64)
