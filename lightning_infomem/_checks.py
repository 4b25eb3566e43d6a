"""All argument checks, so that the same mistake raises the same error everywhere.

A message has four parts: which argument or layer, what is required, what was given, what to do.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence, Sized

import torch
from torch import Tensor

from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = [
    "check_batches",
    "check_choice",
    "check_classes",
    "check_count",
    "check_enough_samples",
    "check_levels",
    "check_one_each",
    "check_same_length",
    "check_samples",
    "check_shares",
    "describe",
    "nearest_names",
]


def describe(value: object) -> str:
    """Describe a value briefly for an error message."""
    if isinstance(value, Tensor):
        return f"a {value.dtype} tensor of shape {list(value.shape)} on {value.device}"
    if isinstance(value, (tuple, list)) and any(isinstance(part, Tensor) for part in value):  # a batch
        parts = ", ".join(map(describe, value[:3])) + (", ..." if len(value) > 3 else "")
        return f"{type(value).__name__} of {parts}"
    if isinstance(value, Mapping) and any(isinstance(part, Tensor) for part in value.values()):
        parts = ", ".join(f"{name!r}: {describe(part)}" for name, part in list(value.items())[:3])
        return f"{type(value).__name__} of {parts}" + (", ..." if len(value) > 3 else "")
    return f"{type(value).__name__} {value!r}"


def check_samples(samples: object, *, name: str = "samples", dimensions: int = 2) -> Tensor:
    """Return ``samples`` if it is a non-empty, real floating-point tensor with the given number of dimensions."""
    shape = {1: "[samples]", 2: "[samples, units]"}[dimensions]
    if not isinstance(samples, Tensor):
        raise UsageTypeError(
            f"{name}: a floating-point torch tensor of shape {shape} is required, got {type(samples).__name__}; "
            f"convert it with torch.as_tensor({name}, dtype=torch.float64)."
        )
    if not samples.is_floating_point():
        remedy = (
            "take its real and imaginary parts as units" if samples.is_complex() else f"convert it: {name}.double()"
        )
        raise UsageTypeError(f"{name}: a floating-point tensor is required, got {describe(samples)}; {remedy}.")
    if samples.ndim != dimensions:
        raise UsageValueError(f"{name}: shape {shape} is required, got {describe(samples)}; reshape it to that shape.")
    if samples.numel() == 0:
        raise UsageValueError(f"{name}: at least one sample and one unit are required, got {describe(samples)}.")
    return samples


def check_same_length(x: Tensor, y: Tensor) -> None:
    """Require that two variables have the same number of samples and are on the same device."""
    if len(x) != len(y):
        raise UsageValueError(f"y: as many samples as x ({len(x)}) are required, got {len(y)}; pass paired samples.")
    if x.device != y.device:
        raise UsageValueError(f"y: the device of x ({x.device}) is required, got {y.device}; move one of them.")


def check_classes(classes: object, *, name: str = "labels", paired: Tensor | None = None) -> Tensor:
    """Return ``classes`` if it is an int64 tensor of class indices from 0, with one entry per row of ``paired``."""
    if not isinstance(classes, Tensor) or classes.dtype != torch.int64:
        raise UsageTypeError(
            f"{name}: an int64 torch tensor of shape [samples] is required, got {describe(classes)}; "
            f"convert it with torch.as_tensor({name}, dtype=torch.int64)."
        )
    if classes.ndim != 1 or len(classes) == 0:
        raise UsageValueError(
            f"{name}: shape [samples] and at least one sample are required, got {describe(classes)}; "
            "give one class index for each sample."
        )
    if paired is not None and len(classes) != len(paired):
        raise UsageValueError(
            f"{name}: one for each of {len(paired)} samples is required, got {len(classes)}; pass paired samples."
        )
    if paired is not None and classes.device != paired.device:
        raise UsageValueError(
            f"{name}: the device of the samples ({paired.device}) is required, got {classes.device}; move one of them."
        )
    lowest = classes.amin().item()
    if lowest < 0:
        raise UsageValueError(
            f"{name}: class indices from 0 are required, got {lowest}; leave out samples without a class, and renumber "
            f"the others with torch.unique({name}, return_inverse=True)[1]."
        )
    return classes


def check_count(value: object, *, name: str, minimum: int = 1) -> int:
    """Return ``value`` if it is an integer of at least ``minimum``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageTypeError(f"{name}: a whole number >= {minimum} is required, got {describe(value)}.")
    if value < minimum:
        raise UsageValueError(f"{name}: a whole number >= {minimum} is required, got {value}; raise it.")
    return value


def check_enough_samples(num_samples: int, neighbors: int, *, dropped: int = 0, repeated: int = 0) -> None:
    """Require more samples than neighbors, so that every point has a k-th neighbor."""
    if num_samples <= neighbors:
        lost = f" ({dropped} more held non-finite values and were dropped)" if dropped else ""
        lost += f" ({repeated} more repeat an input and count once)" if repeated else ""
        raise UsageValueError(
            f"samples: more than neighbors={neighbors} finite samples are required, got {num_samples}{lost}; "
            "give more samples or lower neighbors."
        )


def check_batches(batches: object, *, name: str = "batches") -> None:
    """Require batches and not one batch, whose rows, or whose keys, would be taken for batches."""
    if isinstance(batches, (Tensor, Mapping, str)) or hasattr(batches, "__array__"):
        came = describe(batches) if isinstance(batches, Tensor) else type(batches).__name__
        remedy = f"{name}.split(64)" if isinstance(batches, Tensor) else f"[{name}]"
        raise UsageTypeError(
            f"{name}: batches, such as a DataLoader or a list of tensors, are required, got {came}, which is one "
            f"batch; pass {remedy}."
        )
    if not isinstance(batches, Iterable):
        raise UsageTypeError(
            f"{name}: batches, such as a DataLoader or a list of tensors, are required, got {describe(batches)}."
        )


def check_choice(value: object, *, name: str, choices: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``choices``."""
    if not isinstance(value, str):
        raise UsageTypeError(f"{name}: one of {', '.join(map(repr, choices))} is required, got {describe(value)}.")
    if value not in choices:
        raise UsageValueError(
            f"{name}: one of {', '.join(map(repr, choices))} is required, got {value!r}{_did_you_mean(value, choices)}."
        )
    return value


def nearest_names(wanted: str, names: Iterable[str], *, count: int = 5) -> list[str]:
    """Return the names most similar to ``wanted``, best first; the first few names if none is similar."""
    known = [name for name in names if name]
    return difflib.get_close_matches(wanted, known, n=count, cutoff=0.3) or known[:count]


def _did_you_mean(value: str, choices: Sequence[str]) -> str:
    close = difflib.get_close_matches(value, choices, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def check_finite(
    value: object,
    *,
    name: str,
    above: float = -math.inf,
    minimum: float = -math.inf,
    below: float = math.inf,
    maximum: float = math.inf,
    remedy: str = "",
) -> float:
    """Return ``value`` if it is a finite number within the bounds; the error message ends with the remedy."""
    bounds = {">": above, ">=": minimum, "<": below, "<=": maximum}
    limits = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds.items() if math.isfinite(bound))
    required = f"{name}: a finite number {limits}".rstrip() + " is required"
    end = f"; {remedy}." if remedy else "."
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageTypeError(f"{required}, got {describe(value)}{end}")
    if not (math.isfinite(value) and above < value < below and minimum <= value <= maximum):
        raise UsageValueError(f"{required}, got {value}{end}")
    return float(value)


def check_one_each(values: Sized | None, count: int, *, name: str, of: str) -> None:
    """Require as many values as there are of something, or None.

    >>> check_one_each(["a"], 2, name="names", of="reports")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    lightning_infomem._errors.UsageValueError: names: one for each of the 2 reports is required, got 1; pass...
    """
    if values is not None and len(values) != count:
        raise UsageValueError(
            f"{name}: one for each of the {count} {of} is required, got {len(values)}; "
            f"pass them in the order of the {of}."
        )


def check_levels(levels: Sequence[float] | None, count: int, *, of: str) -> None:
    """Require one finite level each, or None."""
    check_one_each(levels, count, name="levels", of=of)
    for level in [] if levels is None else levels:
        if not math.isfinite(level):
            raise UsageValueError(f"levels: finite numbers are required, got {level}; leave out those without a level.")


def check_shares(values: Sequence[float], *, name: str) -> None:
    """Require shares between 0 and 1; NaN is one that is not known."""
    for share in values:
        if share < 0 or share > 1:
            raise UsageValueError(
                f"{name}: shares between 0 and 1 are required, got {share}; divide percentages by 100."
            )
