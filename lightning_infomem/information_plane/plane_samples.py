"""What every estimator of the plane requires of its samples."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem._checks import describe

__all__ = ["check_plane_samples"]


def check_plane_samples(
    hidden: Tensor, labels: Tensor, *, estimator: str, min_samples: int = 2
) -> tuple[Tensor, Tensor]:
    """Require finite activations and a class for each.

    Args:
        hidden: float ``[samples, ...]``.
        labels: integers ``[samples]``, at least two classes.
        estimator: its name, which begins each message.
        min_samples: that the method needs.

    Returns:
        Activations, float64 ``[samples, units]`` (float32 stays so: doubling a large layer may be too much), and the
        classes numbered from 0 in rising order, int64, on the device of the activations.

    Raises:
        TypeError: no tensors, or labels that are no integers.
        ValueError: other shapes, too few samples, activations that are not finite, or a single class.
    """
    for name, value in (("hidden", hidden), ("labels", labels)):
        if not isinstance(value, Tensor):
            raise TypeError(f"{estimator}: {name}: a tensor is required, got {describe(value)}; convert it.")
    if hidden.ndim < 2 or not hidden.is_floating_point():
        raise ValueError(
            f"{estimator}: hidden: floats of shape [samples, units] are required, got {describe(hidden)}; pass the "
            "activations of one layer."
        )
    if labels.is_floating_point() or labels.is_complex():
        raise TypeError(
            f"{estimator}: labels: integer classes are required, got {describe(labels)}; continuous labels have no "
            "classes: bin them first."
        )
    if labels.shape != hidden.shape[:1]:
        raise ValueError(
            f"{estimator}: labels: one class for each of the {len(hidden)} samples is required, got shape "
            f"{tuple(labels.shape)}; pass those of the same inputs."
        )
    if len(hidden) < min_samples:
        raise ValueError(
            f"{estimator}: hidden: at least {min_samples} samples are required, got {len(hidden)}; measure more."
        )
    flat = hidden.detach().flatten(1)
    flat = flat if flat.dtype in (torch.float32, torch.float64) else flat.float()
    if not bool(torch.isfinite(flat).all()):
        count = int((~torch.isfinite(flat)).any(1).sum())
        raise ValueError(
            f"{estimator}: hidden: finite activations are required, got {count} of {len(flat)} samples that are not; "
            "has the training diverged?"
        )
    classes, numbered = torch.unique(labels.to(flat.device), return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"{estimator}: labels: at least two classes are required, got only {classes.tolist()}; I(T;Y) is 0 for any "
            "layer then."
        )
    return flat, numbered
