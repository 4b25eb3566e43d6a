"""Accuracy on all inputs from confidence that a few labels calibrate."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem.functional.labelled_inputs import usable_log_odds

__all__ = ["temperature_scaled_confidence"]


def temperature_scaled_confidence(log_odds: Tensor, labelled: Tensor, correct: Tensor) -> Tensor:
    """Estimate a network's accuracy on all inputs as its mean confidence, scaled by one temperature.

    The temperature divides the log odds of the predicted class; it maximises the likelihood that the labelled
    predictions are right or wrong as they are. One temperature cannot make a network that is sure of everything be
    wrong in most cases: the estimate is at least 1/2 if all log odds are positive.

    Args:
        log_odds: Log odds of the predicted class against the rest, ``[inputs]``, finite, floating point.
        labelled: Index of each labelled input, ``[labelled]``, int64.
        correct: Whether the prediction for it is right, ``[labelled]``, bool.

    Returns:
        float64 scalar tensor on the CPU, from 0 to 1. Because r right and w wrong predictions count as probabilities
        ``(r + 1) / (r + 2)`` and ``1 / (w + 2)``, no number of right ones makes it certain. The temperature is
        infinite, and every confidence 1/2, where sure predictions err more often than not.

    Raises:
        TypeError: If an argument has the wrong dtype.
        ValueError: If a shape or value is wrong, an index repeats, or there are none.

    Reference:
        Guo et al. (2017), On calibration of modern neural networks, ICML, section 4.2. The target probabilities are
        those of Platt (1999), Probabilistic outputs for support vector machines.

    >>> log_odds = torch.tensor([4.0, 4.0, 4.0, 4.0, 4.0])
    >>> labelled, correct = torch.tensor([0, 1]), torch.tensor([True, True])
    >>> temperature_scaled_confidence(log_odds, labelled, correct)  # two of two: 3 / 4
    tensor(0.7500, dtype=torch.float64)
    """
    values, known, correct = usable_log_odds(log_odds, labelled, correct)
    right = correct.sum().double()
    targets = torch.where(correct, (right + 1) / (right + 2), 1 / (len(correct) - right + 2))
    scale = known.abs().amax()  # makes the search independent of the unit of log odds
    if scale == 0:
        return (0 * values).sigmoid().mean()
    return (values / scale * _inverse_temperature(known / scale, targets)).sigmoid().mean()


def _inverse_temperature(log_odds: Tensor, targets: Tensor) -> Tensor:
    """Nonnegative factor of log odds that maximises their likelihood, which is concave, by bisection of its slope."""

    def slope(factor: Tensor) -> Tensor:
        return ((targets - (factor * log_odds).sigmoid()) * log_odds).sum()

    low, high = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
    if slope(low) <= 0:
        return low
    while slope(high) > 0:  # ends, because targets are below the certainty that a large factor gives
        low, high = high, 2 * high
    while low < (middle := low + (high - low) / 2) < high:
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return low
