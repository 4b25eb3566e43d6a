"""Agreement of the predicted classes of checkpoints, with a reference and with each other."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.functional.usable_votes import mean_of_terms, usable_classes, usable_votes

__all__ = ["pairwise_agreement", "reference_agreement", "soft_vote_agreement"]


def reference_agreement(classes: Tensor, reference: Tensor, *, per_input: bool = False) -> Tensor:
    """Compute the share of inputs on which each checkpoint predicts the class that a reference predicts.

    Given true labels as the reference, it is the accuracy.

    Args:
        classes: Predicted classes, ``[checkpoints, inputs]``, any integer dtype and device; -1 is an unknown
            prediction.
        reference: Classes that the reference predicts, ``[inputs]``, any integer dtype; -1 where unknown.
        per_input: Return the terms of the mean, ``[checkpoints, inputs]``, NaN where a term is left out.

    Returns:
        float64 ``[checkpoints]`` on the CPU, from 0 to 1, over the inputs that are known to both; NaN without any.

    Raises:
        TypeError: If an argument is not an integer tensor.
        ValueError: If the shapes do not match, or a class is below -1.

    >>> reference_agreement(torch.tensor([[0, 1, 2, -1], [0, 0, 0, 0]]), torch.tensor([0, 1, 1, 1]))
    tensor([0.6667, 0.2500], dtype=torch.float64)
    """
    classes = usable_votes(classes)
    reference = usable_classes(reference, classes.shape[1], name="reference", unknown="an unknown prediction")
    known = (classes >= 0) & (reference >= 0)
    return mean_of_terms((classes == reference).double().masked_fill(~known, math.nan), per_input)


def pairwise_agreement(classes: Tensor) -> Tensor:
    """Compute the mean agreement of each checkpoint with each other one.

    Two networks of one recipe that differ only in their seeds disagree as often as they err, if their ensemble is well
    calibrated. Do not take it for accuracy among networks of different recipes: there it favours the majority.

    Args:
        classes: Predicted classes, ``[checkpoints, inputs]``, any integer dtype and device, at least 2 checkpoints; -1
            is an unknown prediction.

    Returns:
        float64 ``[checkpoints]`` on the CPU, from 0 to 1: the share of the other checkpoints' predictions that are
        its own. Inputs that are unknown to either are left out; NaN without any.

    Raises:
        TypeError: If ``classes`` is not an integer tensor.
        ValueError: If the shape is wrong, there are fewer than 2 checkpoints, or a class is below -1.

    Cost:
        Time ``checkpoints * inputs``, memory ``inputs * classes``: predictions are counted, not compared in pairs.

    Reference:
        Jiang et al. (2022), Assessing generalization of SGD via disagreement, ICLR, on the generalization disagreement
        equality; Nakkiran and Bansal (2020), Distributional generalization: a new kind of generalization, on the
        agreement property.

    >>> pairwise_agreement(torch.tensor([[0, 1, 2, 0], [0, 1, 2, 1], [0, 1, 0, 2]]))  # 3/4 and 2/4 of the first
    tensor([0.6250, 0.6250, 0.5000], dtype=torch.float64)
    """
    classes = usable_votes(classes, minimum=2)
    known = classes >= 0
    agreeing, voting = _votes_of_others(classes, known.double(), int(classes.amax()) + 1)
    return torch.where(known, agreeing, 0).sum(1) / torch.where(known, voting, 0).sum(1)


def soft_vote_agreement(classes: Tensor, confidence: Tensor, num_classes: int, *, per_input: bool = False) -> Tensor:
    """Compute the weight that each checkpoint's predictions have among the votes of the others.

    Every checkpoint votes with its probability of the class that it predicts, so that an unsure one counts less than
    a sure one. Networks that memorize are sure of errors too.

    Args:
        classes: Predicted classes, ``[checkpoints, inputs]``, any integer dtype and device, at least 2 checkpoints; -1
            is an unknown prediction.
        confidence: Probability of the predicted class, ``[checkpoints, inputs]``, floating point, from 0 to 1; ignored
            where the prediction is unknown.
        num_classes: Number of classes, at least 2.
        per_input: Return the terms of the mean, ``[checkpoints, inputs]``, NaN where a term is left out.

    Returns:
        float64 ``[checkpoints]`` on the CPU, from 0 to 1: the mean over inputs of the weight of the others' votes for
        its class divided by the weight of all their votes. Inputs on which its prediction is unknown, or every other
        one is unknown or has confidence 0, are left out; NaN without any input. With equal confidence everywhere, and
        every prediction known, it is `pairwise_agreement`.

    Raises:
        TypeError: If a tensor has the wrong dtype.
        ValueError: If a shape or value is out of range, or there are fewer than 2 checkpoints.

    Cost:
        Time ``checkpoints * inputs``, memory ``inputs * num_classes``.

    >>> votes = torch.tensor([[0], [0], [1]])
    >>> soft_vote_agreement(votes, torch.tensor([[0.9], [0.6], [0.4]]), 2)  # the first: 0.6 of 1.0
    tensor([0.6000, 0.6923, 0.0000], dtype=torch.float64)
    """
    classes = usable_votes(classes, num_classes, minimum=2)
    check_count(num_classes, name="num_classes", minimum=2)
    weights = _usable_confidence(confidence, classes)
    agreeing, voting = _votes_of_others(classes, weights, num_classes)
    counted = (classes >= 0) & (voting > 0)
    return mean_of_terms((agreeing / voting).masked_fill(~counted, math.nan), per_input)


def _votes_of_others(classes: Tensor, weights: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Weight of the others' votes for the own class, and of all their votes, each ``[checkpoints, inputs]``."""
    inputs = classes.shape[1]
    cells = torch.arange(inputs) * max(num_classes, 1) + classes.clamp(min=0)
    totals = torch.bincount(cells.flatten(), weights.flatten(), minlength=inputs * max(num_classes, 1))
    # Rounding may leave a trace of the own vote where there is no other.
    agreeing = (totals[cells] - weights).clamp(min=0)
    return agreeing, (totals.view(inputs, -1).sum(1) - weights).clamp(min=0)


def _usable_confidence(confidence: object, classes: Tensor) -> Tensor:
    """Confidence in float64, 0 where the prediction is unknown."""
    if not isinstance(confidence, Tensor) or not confidence.is_floating_point():
        raise UsageTypeError(
            f"confidence: a floating-point torch tensor of shape [checkpoints, inputs] is required, got "
            f"{describe(confidence)}; pass the softmax probabilities of the predicted classes."
        )
    if confidence.shape != classes.shape:
        raise UsageValueError(
            f"confidence: the shape of classes, {list(classes.shape)}, is required, got {describe(confidence)}; "
            "pass one probability for each prediction."
        )
    weights = confidence.detach().to("cpu", torch.float64).masked_fill(classes < 0, 0)
    outside = ~((weights >= 0) & (weights <= 1))
    if bool(outside.any()):
        raise UsageValueError(
            f"confidence: probabilities between 0 and 1 are required, got {weights[outside][0].item()}; "
            "pass softmax probabilities, and -1 in classes where a prediction is unknown."
        )
    return weights
