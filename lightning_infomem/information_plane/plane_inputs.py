"""Checks for estimators that use the inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem._checks import describe

__all__ = ["check_plane_inputs"]


def check_plane_inputs(inputs: Tensor | None, hidden: Tensor, *, estimator: str) -> Tensor:
    """Require one finite input per activation.

    Args:
        inputs: Numbers ``[samples, ...]``; integers count as numbers.
        hidden: Activations ``[samples, units]``, already checked.
        estimator: Name of the estimator; messages start with it.

    Returns:
        float64 ``[samples, dimensions]``, on the device of the activations.

    Raises:
        TypeError: If the inputs are not a tensor.
        ValueError: If the inputs are missing, have another shape, or are not finite.
    """
    if inputs is None:
        raise ValueError(
            f"{estimator}: inputs: the inputs of the {len(hidden)} samples are required, got None; pass inputs=, "
            "which this method compares with the activations."
        )
    if not isinstance(inputs, Tensor):
        raise TypeError(f"{estimator}: inputs: a tensor is required, got {describe(inputs)}; convert it.")
    if inputs.ndim < 2 or inputs.shape[:1] != hidden.shape[:1] or inputs.is_complex() or inputs[0].numel() == 0:
        raise ValueError(
            f"{estimator}: inputs: numbers of shape [{len(hidden)}, ...] are required, one row per sample, got "
            f"{describe(inputs)}; pass the inputs of the same samples."
        )
    flat = inputs.detach().flatten(1).to(hidden.device, torch.float64)
    if not bool(torch.isfinite(flat).all()):
        count = int((~torch.isfinite(flat)).any(1).sum())
        raise ValueError(
            f"{estimator}: inputs: finite numbers are required, got {count} of {len(flat)} samples that are not; "
            "remove these samples."
        )
    return flat
