"""Checks on the samples that every estimator of the plane shares."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem._checks import describe

__all__ = ["check_plane_samples"]


def check_plane_samples(
    hidden: Tensor, labels: Tensor, *, estimator: str, min_samples: int = 2
) -> tuple[Tensor, Tensor]:
    """Require finite activations and one class per sample.

    Args:
        hidden: Activations, float ``[samples, ...]``.
        labels: Class of each sample, integer ``[samples]``, at least two classes.
        estimator: Name of the estimator; messages start with it.
        min_samples: Smallest number of samples the method accepts.

    Returns:
        Activations ``[samples, units]``, float32 or float64 (float32 is kept, since doubling a large layer may take too
        much memory), and the classes renumbered from 0 in rising order, int64, on the device of the activations.

    Raises:
        TypeError: If an argument is not a tensor, or the labels are not integers.
        ValueError: If shapes do not match, there are too few samples, activations are not finite, or there is only one
            class.
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
            f"{estimator}: labels: integer classes are required, got {describe(labels)}; bin continuous labels first."
        )
    if labels.shape != hidden.shape[:1]:
        raise ValueError(
            f"{estimator}: labels: one class for each of the {len(hidden)} samples is required, got shape "
            f"{tuple(labels.shape)}; pass the labels of the same inputs."
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
            f"{estimator}: labels: at least two classes are required, got only {classes.tolist()}, for which I(T;Y) is "
            "always 0; pass samples of several classes."
        )
    return flat, numbered
