"""Accuracy on all inputs from the confidence at which labelled ones begin to be right."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem.functional.labelled_inputs import usable_log_odds

__all__ = ["average_thresholded_confidence"]


def average_thresholded_confidence(log_odds: Tensor, labelled: Tensor, correct: Tensor) -> Tensor:
    """Estimate a network's accuracy on all inputs from labels of a few.

    The share of labelled inputs whose confidence lies below the threshold equals their share of errors; the estimate is
    the share of all inputs above it. If the labelled inputs were drawn at random, do not expect much more than from
    their own accuracy; it is made for inputs that differ from them.

    Args:
        log_odds: Log odds of the predicted class against the rest, ``[inputs]``, finite, floating point, or any other
            confidence that grows with it.
        labelled: Index of each labelled input, ``[labelled]``, int64.
        correct: Whether the prediction for it is right, ``[labelled]``, bool.

    Returns:
        float64 scalar tensor on the CPU, from 0 to 1; 1 if all labelled predictions are right, 0 if all are wrong. If
        the threshold falls among labelled inputs of equal confidence, a part of all inputs of that confidence counts,
        so that the estimate is the accuracy where every input is labelled.

    Raises:
        TypeError: If an argument has the wrong dtype.
        ValueError: If a shape or value is wrong, an index repeats, or there are none.

    Reference:
        Garg et al. (2022), Leveraging unlabeled data to predict out-of-distribution performance, ICLR, equations 1 and
        2. We put the threshold halfway between two labelled inputs.

    >>> log_odds = torch.tensor([0.1, 0.5, 1.0, 2.0, 3.0, 4.0])
    >>> labelled, correct = torch.tensor([1, 3]), torch.tensor([False, True])  # the threshold is 1.25
    >>> average_thresholded_confidence(log_odds, labelled, correct)
    tensor(0.5000, dtype=torch.float64)
    """
    values, known, correct = usable_log_odds(log_odds, labelled, correct)
    ordered = known.sort().values
    wrong = int((~correct).sum())
    if wrong in (0, len(ordered)):
        return torch.tensor(float(wrong == 0), dtype=torch.float64)
    below, above = float(ordered[wrong - 1]), float(ordered[wrong])
    halfway = below / 2 + above / 2
    threshold = halfway if halfway < above else below  # between neighbouring numbers there is none halfway
    if below < above:
        return (values > threshold).double().mean()
    tied = ordered == threshold
    part = ((wrong - (ordered < threshold).sum()) / tied.sum()).double()  # of the tied ones, those below
    return ((values > threshold).double() + (1 - part) * (values == threshold)).mean()
