"""Run a network on a batch for measurement: inputs only, in evaluation mode, on the network's device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["evaluating", "forward_batch", "to_device"]


def forward_batch(model: nn.Module, batch: Any) -> object:
    """Run a network on the inputs of a batch.

    A mapping passes all entries but the labels by keyword, a tuple or list its first element, anything else itself.
    """
    if isinstance(batch, Mapping):
        return model(**{name: part for name, part in batch.items() if name not in ("label", "labels")})
    if isinstance(batch, (tuple, list)):
        return model(batch[0])
    return model(batch)


def to_device(batch: Any, device: torch.device) -> Any:
    """Return a batch with all of its tensors on a device."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {name: to_device(part, device) for name, part in batch.items()}
    if isinstance(batch, (tuple, list)):
        return [to_device(part, device) for part in batch]
    return batch


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put all modules into evaluation mode, and restore the mode of each on exit."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
