"""Checks that every criterion of predicted classes shares."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = ["mean_of_terms", "usable_classes", "usable_votes"]

_INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8)


def usable_votes(classes: object, num_classes: int | None = None, *, minimum: int = 1, name: str = "classes") -> Tensor:
    """Check the predicted classes of some checkpoints.

    Args:
        classes: Predicted classes, ``[checkpoints, inputs]``, any integer dtype; -1 is an unknown prediction.
        num_classes: Number of classes; None if any class from 0 may occur.
        minimum: Smallest number of checkpoints.
        name: Name of the argument, for error messages.

    Returns:
        The same as int64 on the CPU.

    Raises:
        TypeError: If ``classes`` is not an integer tensor, or ``num_classes`` not an integer.
        ValueError: If the shape is wrong, there are fewer than ``minimum`` checkpoints or no inputs, fewer than 2
            classes, or an entry that is neither a class nor -1.
    """
    classes = _integers(classes, name=name, shape="[checkpoints, inputs]", dimensions=2)
    if len(classes) < minimum or classes.numel() == 0:
        raise UsageValueError(
            f"{name}: at least {minimum} checkpoints and 1 input are required, got {describe(classes)}; "
            "pass the predictions of more checkpoints."
        )
    _check_range(classes, num_classes, name=name, unknown="an unknown prediction")
    return classes.to("cpu", torch.int64)


def usable_classes(
    classes: object, num_inputs: int, num_classes: int | None = None, *, name: str, unknown: str = "an unknown class"
) -> Tensor:
    """Check one class for each input, with -1 where it is unknown.

    Args:
        classes: ``[inputs]``, any integer dtype.
        num_inputs: Number of inputs.
        num_classes: Number of classes; None if any class from 0 may occur.
        name: Name of the argument, for error messages.
        unknown: What -1 stands for, for error messages.

    Returns:
        The same as int64 on the CPU.

    Raises:
        TypeError: If ``classes`` is not an integer tensor.
        ValueError: If the length is wrong, or an entry is neither a class nor -1.
    """
    classes = _integers(classes, name=name, shape="[inputs]", dimensions=1)
    if len(classes) != num_inputs:
        raise UsageValueError(
            f"{name}: one for each of the {num_inputs} inputs is required, got {len(classes)}; pass -1 for {unknown}."
        )
    _check_range(classes, num_classes, name=name, unknown=unknown)
    return classes.to("cpu", torch.int64)


def _integers(values: object, *, name: str, shape: str, dimensions: int) -> Tensor:
    if not isinstance(values, Tensor) or values.dtype not in _INTEGERS:
        raise UsageTypeError(
            f"{name}: an integer torch tensor of shape {shape} is required, got {describe(values)}; "
            f"convert it with torch.as_tensor({name}, dtype=torch.int64)."
        )
    if values.ndim != dimensions:
        raise UsageValueError(f"{name}: shape {shape} is required, got {describe(values)}; reshape it to that shape.")
    return values.detach()


def _check_range(classes: Tensor, num_classes: int | None, *, name: str, unknown: str) -> None:
    if num_classes is not None:
        check_count(num_classes, name="num_classes", minimum=2)
    if classes.numel() == 0:
        return
    lowest, highest = (int(bound) for bound in classes.aminmax())
    end = "" if num_classes is None else f" to {num_classes - 1}"
    if lowest < -1 or (num_classes is not None and highest >= num_classes):
        wrong = lowest if lowest < -1 else highest
        raise UsageValueError(
            f"{name}: classes from 0{end}, or -1 for {unknown}, are required, got {wrong}; "
            "pass them in the order of the network's outputs."
        )


def mean_of_terms(terms: Tensor, per_input: bool) -> Tensor:
    """Return the mean of each row over the terms that are not NaN, or the terms themselves."""
    return terms if per_input else terms.nanmean(1)
