"""Untrained control: the same network with re-initialised weights."""

from __future__ import annotations

import torch
from torch import nn

from lightning_infomem.records.file_names import name_files

__all__ = ["reset_parameters"]


def reset_parameters(network: nn.Module, seed: int) -> str | None:
    """Re-initialise all weights from a seed, in place and on the CPU; the global random state is left unchanged.

    A module is reset after its submodules, so that a block's own initialisation of its layers is kept.

    Args:
        network: Network to reset. It is moved to the CPU, so that the weights do not depend on the device.
        seed: Seed of the weights.

    Returns:
        A description of the modules that could not reset their parameters, or None if all could.

    >>> layer = nn.Linear(2, 2)
    >>> reset_parameters(layer, seed=3), layer.weight.abs().sum() > 0
    (None, tensor(True))
    """
    network.to("cpu")
    kept: dict[str, list[str]] = {}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        # Reversed, because named_modules lists parents before their children.
        for name, module in reversed(list(network.named_modules())):
            # torch's attention and transformer modules use the private name.
            reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
            if callable(reset):
                reset()
            elif any(True for _ in module.parameters(recurse=False)):
                kept.setdefault(type(module).__name__, []).append(name or "the network itself")
    if not kept:
        return None
    of_kinds = "; ".join(f"{kind}: {name_files(names[::-1])}" for kind, names in kept.items())
    return f"modules without reset_parameters ({of_kinds})"
