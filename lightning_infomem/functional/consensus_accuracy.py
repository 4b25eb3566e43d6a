"""Accuracy of each checkpoint, judged by the consensus of the others."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageValueError
from lightning_infomem.functional.dawid_skene import DawidSkene, dawid_skene
from lightning_infomem.functional.usable_votes import mean_of_terms, usable_votes

__all__ = ["consensus_accuracy", "expected_accuracy"]


def consensus_accuracy(
    classes: Tensor,
    num_classes: int,
    *,
    model: str = "one_coin",
    labels: Tensor | None = None,
    leave_out: bool = True,
) -> Tensor:
    """Estimate the accuracy of each checkpoint from the predicted classes of all, without labels.

    Do not trust it where most checkpoints learned the same error, such as a shortcut or the noise of the labels.

    Args:
        classes: Predicted classes, ``[checkpoints, inputs]``, any integer dtype and device, at least 2 checkpoints; -1
            is an unknown prediction, which is ignored.
        num_classes: Number of classes, at least 2.
        model: ``"one_coin"`` or ``"confusion"``; see `dawid_skene`.
        labels: Known true classes, ``[inputs]``, any integer dtype; -1 where unknown.
        leave_out: Judge each checkpoint by the votes of the others; see `expected_accuracy`.

    Returns:
        float64 ``[checkpoints]`` on the CPU, from 0 to 1; NaN for a checkpoint without a known prediction.

    Raises:
        TypeError: If a tensor does not hold integers.
        ValueError: If a shape or value is out of range, or no prediction is known.

    Cost:
        That of `dawid_skene` and of `expected_accuracy`.

    Reference:
        Dawid and Skene (1979), Maximum likelihood estimation of observer error-rates using the EM algorithm, Applied
        Statistics 28:20.

    >>> votes = torch.tensor([[0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 1, 0]])
    >>> consensus_accuracy(votes, 2).argsort()[0]  # the third contradicts the other two
    tensor(2)
    """
    return expected_accuracy(
        classes, dawid_skene(classes, num_classes, model=model, labels=labels), leave_out=leave_out
    )


def expected_accuracy(
    classes: Tensor, fitted: DawidSkene, *, leave_out: bool = True, per_input: bool = False
) -> Tensor:
    """Compute the expected share of inputs on which each checkpoint is right, under a fitted model.

    Args:
        classes: The predicted classes to which the model was fitted, ``[checkpoints, inputs]``.
        fitted: The result of `dawid_skene`.
        leave_out: Take the vote of the checkpoint itself out of the posterior of each input, so that it does not agree
            with itself. The fitted accuracies and the class prior stay as they are. Where the others are unsure, this
            pulls values towards chance: compare checkpoints by it, and read accuracies from ``leave_out=False``, which
            is calibrated if the model holds.
        per_input: Return the terms of the mean, ``[checkpoints, inputs]``, NaN where a term is left out.

    Returns:
        float64 ``[checkpoints]`` on the CPU, from 0 to 1; NaN for a checkpoint without a known prediction.

    Raises:
        TypeError: If ``classes`` does not hold integers.
        ValueError: If the shape or a value does not fit the model.

    Cost:
        Time ``checkpoints * inputs``; times ``classes`` for confusion matrices if the own vote is left out.
    """
    inputs, num_classes = fitted.posterior.shape
    classes = usable_votes(classes, num_classes)
    if classes.shape != (len(fitted.accuracy), inputs):
        raise UsageValueError(
            f"classes: shape {[len(fitted.accuracy), inputs]}, that of the fitted model, is required, got "
            f"{describe(classes)}; pass the votes that it was fitted to."
        )
    known = classes >= 0
    cells = torch.arange(inputs) * num_classes + classes.clamp(min=0)
    right = fitted.posterior.flatten()[cells]
    if leave_out and fitted.confusion is None:
        accuracy = fitted.accuracy.nan_to_num(0.5)
        weights = accuracy.log() - ((1 - accuracy) / (num_classes - 1)).log()
        right = (right.logit() - weights[:, None]).sigmoid()  # a vote multiplies the odds of its class
    elif leave_out and fitted.confusion is not None:
        pairs = zip(classes.clamp(min=0), fitted.confusion, strict=True)
        right = torch.stack([_without(own, confusion, fitted.posterior) for own, confusion in pairs])
    return mean_of_terms(right.masked_fill(~known, math.nan), per_input)


def _without(voted: Tensor, confusion: Tensor, posterior: Tensor) -> Tensor:
    """Probability of the voted class of each input, without this vote."""
    of_others = posterior / confusion.T[voted]
    return of_others.gather(1, voted[:, None])[:, 0] / of_others.sum(1)
