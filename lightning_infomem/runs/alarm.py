"""Tells from the course of one run, without labels, whether it stores single examples, and which moment to keep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.moment import Moment

__all__ = ["MIN_MOMENTS", "PATIENCE", "SETTLED", "THRESHOLD", "judge", "judge_next", "read_judged"]

# Chosen by leave-one-family-out cross-validation on 136 runs, then frozen; the README tells how well they do.
THRESHOLD = 0.05
PATIENCE = 3  # moments in a row
SETTLED = 0.75  # share of the classes in use

MIN_MOMENTS = PATIENCE + 1  # nothing can have fallen before
_MIN_SAMPLES = 50  # of which one is 2 points


def judge(course: Sequence[Moment]) -> Judgement:
    """Judge a run by its validation inputs alone.

    A network that begins to store single examples bends its predictions around them. Two things are then seen on
    inputs that it was not trained on: neighbours in its layers are predicted less alike than they were before, and
    the predictions depart from those on which the moments of the run agree by majority. The run is said to memorize
    where both have dropped by 5 points (`THRESHOLD`) at 3 moments in a row (`PATIENCE`), until one of them recovers.
    Moments in which hardly any classes were predicted yet, fewer than three quarters of those of the last one (by the
    exponential of their entropy), are compared with nothing.

    Do not expect it to tell shortcuts, or memorization from the first moment on.

    Args:
        course: oldest first.

    Returns:
        The judgement at the last moment.

    Raises:
        ValueError: the course is empty.

    Cost:
        ``moments**2 * samples``; `judge_next` takes ``moments * samples`` for one moment more.

    Reference:
        Ours. Related: Yuan et al. (2024), Early Stopping Against Label Noise Without Validation Data, ICLR, who count
        the changes of predictions on training inputs; Arpit et al. (2017), A Closer Look at Memorization in Deep
        Networks, ICML, for the order in which networks learn.
    """
    if not course:
        raise ValueError("course: at least one moment is required, got none; measure first.")
    judgement: Judgement | None = None
    for end in range(1, len(course) + 1):
        judgement = judge_next(course[:end], judgement)
    assert judgement is not None
    return judgement


def judge_next(course: Sequence[Moment], before: Judgement | None) -> Judgement:
    """Judge a run at its last moment.

    Args:
        course: oldest first, at least one.
        before: the judgement at the moment before; None at the first.

    Returns:
        See `judge`.
    """
    last = len(course) - 1
    start = _begin_of_comparable(course)
    reason = _why_not_comparable(course[-1])
    too_early = _why_too_early(len(course) - start, len(course))
    if reason is not None:
        # Without classes there is nothing to wait for.
        return Judgement(False, last, abstention=reason if start > last else too_early or reason)
    comparable = course[start:]
    # What memorizes has no vote: in a long run it would become the consensus.
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
    """The moments of a run and the judgement at the last of them, out of what a callback saved.

    Args:
        state: with ``moments``, of `Moment.to_state`, and ``judgement``, of `Judgement.to_state`.

    Returns:
        No moment and no judgement, where the state has none.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: the state is damaged.
    """
    moments = [Moment.from_state(each) for each in state.get("moments", ())]
    if not moments:
        return [], None
    judgement = Judgement.from_state(state["judgement"])
    if not 0 <= judgement.kept < len(moments) or len(judgement.agreement) > len(moments):
        raise ValueError(f"a judgement of other than its {len(moments)} moments")
    return moments, judgement


def _drops(smoothness: Tensor, classes: Tensor, predicted: Tensor, voters: int) -> Judgement:
    """The drops at the last moment, and the voter that agrees most with the consensus, of equal ones the last."""
    is_settled = (classes >= SETTLED * classes[-1]) & smoothness.isfinite()
    votes = is_settled & (torch.arange(len(classes)) < voters)
    if not bool(votes.any()):  # none of them predicts as many classes as are in use now
        votes = is_settled
    consensus = predicted[votes].mode(dim=0).values  # of classes with as many votes the smallest
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


def _begin_of_comparable(course: Sequence[Moment]) -> int:
    """From where on all moments saw the inputs of the last one."""
    last = course[-1]
    for index in range(len(course) - 1, -1, -1):
        each = course[index]
        if each.predicted is None or last.predicted is None:
            return index + 1
        # As many of them, too: a damaged file can say otherwise.
        if each.probe != last.probe or each.predicted.shape != last.predicted.shape:
            return index + 1
    return 0


def _why_not_comparable(last: Moment) -> str | None:
    if last.predicted is None or last.probe is None:
        return "the predicted classes are not known: a network that ends in a linear layer of classes is required"
    if len(last.predicted) < _MIN_SAMPLES:
        return f"{len(last.predicted)} validation inputs are too few, {_MIN_SAMPLES} are required"
    if not last.finite_layers:
        return "no layer has a smoothness; the predictions are all the same, or not finite"
    return None


def _why_too_early(comparable: int, measured: int) -> str | None:
    if comparable >= MIN_MOMENTS:
        return None
    if comparable < measured:
        return (
            f"the validation inputs are others than before at the last {comparable} of {measured} measurements; "
            "validate the same inputs in the same order"
        )
    return f"{measured} measurements of the run are too few, {MIN_MOMENTS} are required"


def _smoothness_of(course: Sequence[Moment]) -> Tensor:
    """Of each moment, over the layers that the last one has."""
    layers = course[-1].finite_layers
    means = [each.mean_smoothness if each.finite_layers == layers else each.smoothness_of(layers) for each in course]
    return torch.tensor(means, dtype=torch.float64)
