"""What the estimators that look at the inputs require of them."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem._checks import describe

__all__ = ["check_plane_inputs"]


def check_plane_inputs(inputs: Tensor | None, hidden: Tensor, *, estimator: str) -> Tensor:
    """Require one finite input for each activation.

    Args:
        inputs: numbers ``[samples, ...]``; integers are taken as such.
        hidden: ``[samples, units]``, checked already.
        estimator: its name, which begins each message.

    Returns:
        float64 ``[samples, dimensions]``, on the device of the activations.

    Raises:
        TypeError: no tensor.
        ValueError: no inputs, other shapes, or inputs that are not finite.
    """
    if inputs is None:
        raise ValueError(
            f"{estimator}: inputs: the inputs of the {len(hidden)} samples are required, got None; this method "
            "compares them with the activations: pass inputs=."
        )
    if not isinstance(inputs, Tensor):
        raise TypeError(f"{estimator}: inputs: a tensor is required, got {describe(inputs)}; convert it.")
    if inputs.ndim < 2 or inputs.shape[:1] != hidden.shape[:1] or inputs.is_complex() or inputs[0].numel() == 0:
        raise ValueError(
            f"{estimator}: inputs: numbers of shape [{len(hidden)}, ...] are required, one row for each sample, got "
            f"{describe(inputs)}; pass those of the same samples."
        )
    flat = inputs.detach().flatten(1).to(hidden.device, torch.float64)
    if not bool(torch.isfinite(flat).all()):
        count = int((~torch.isfinite(flat)).any(1).sum())
        raise ValueError(
            f"{estimator}: inputs: finite numbers are required, got {count} of {len(flat)} samples that are not; leave "
            "these samples out."
        )
    return flat
