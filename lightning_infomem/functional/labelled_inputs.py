"""Checks that the estimates from a few labelled inputs share."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem._checks import check_samples, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = ["usable_log_odds"]


def usable_log_odds(log_odds: object, labelled: object, correct: object) -> tuple[Tensor, Tensor, Tensor]:
    """Check the log odds of all inputs and the correctness of the labelled ones.

    Args:
        log_odds: ``[inputs]``, finite, floating point.
        labelled: Index of each labelled input, ``[labelled]``, int64.
        correct: Whether the prediction for it is right, ``[labelled]``, bool.

    Returns:
        Log odds of all inputs and of the labelled ones in float64, and ``correct``, all on the CPU.

    Raises:
        TypeError: If an argument has the wrong dtype.
        ValueError: If a shape or value is wrong, an index repeats, or there are none.
    """
    values = check_samples(log_odds, name="log_odds", dimensions=1).detach().to("cpu", torch.float64)
    if not bool(values.isfinite().all()):
        raise UsageValueError(
            "log_odds: finite values are required, got NaN or infinity; leave out inputs without a prediction, and "
            "clip certain ones."
        )
    if not isinstance(labelled, Tensor) or labelled.dtype != torch.int64:
        raise UsageTypeError(
            f"labelled: an int64 torch tensor of shape [labelled] is required, got {describe(labelled)}; pass the "
            "place of each labelled input."
        )
    if not isinstance(correct, Tensor) or correct.dtype != torch.bool:
        raise UsageTypeError(
            f"correct: a bool torch tensor of shape [labelled] is required, got {describe(correct)}; pass "
            "classes[labelled] == labels."
        )
    if labelled.ndim != 1 or len(labelled) == 0:
        raise UsageValueError(f"labelled: the place of at least one input is required, got {describe(labelled)}.")
    if correct.shape != labelled.shape:
        raise UsageValueError(
            f"correct: one for each of {len(labelled)} labelled inputs is required, got {describe(correct)}; pass "
            "classes[labelled] == labels."
        )
    lowest, highest = (int(bound) for bound in labelled.aminmax())
    if lowest < 0 or highest >= len(values):
        raise UsageValueError(
            f"labelled: places from 0 to {len(values) - 1} are required, got {lowest if lowest < 0 else highest}; "
            "leave out labels of inputs that are not in the probe."
        )
    if len(torch.unique(labelled)) < len(labelled):
        raise UsageValueError(
            f"labelled: each input once is required, got {len(labelled)} places with only "
            f"{len(torch.unique(labelled))} different ones; give one label for each input."
        )
    labelled = labelled.cpu()
    return values, values[labelled], correct.cpu()
