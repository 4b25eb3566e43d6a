"""An untrained control: the same network with its weights drawn anew."""

from __future__ import annotations

import torch
from torch import nn

from lightning_infomem.records.file_names import name_files

__all__ = ["reset_parameters"]


def reset_parameters(network: nn.Module, seed: int) -> str | None:
    """Draw all weights anew, in place and on the CPU, from a seed; no other random numbers are touched.

    A module is reset after those within it, so that what a block does with the weights of its layers lasts.

    Args:
        network: moved to the CPU, so that the numbers are the same whatever device it is on.
        seed: of the weights.

    Returns:
        Which modules kept their parameters, because they cannot reset them; None where there are none.

    >>> layer = nn.Linear(2, 2)
    >>> reset_parameters(layer, seed=3), layer.weight.abs().sum() > 0
    (None, tensor(True))
    """
    network.to("cpu")
    kept: dict[str, list[str]] = {}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        # Children come after their parents in the list.
        for name, module in reversed(list(network.named_modules())):
            # Attention and transformers of torch have it under the private name.
            reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
            if callable(reset):
                reset()
            elif any(True for _ in module.parameters(recurse=False)):
                kept.setdefault(type(module).__name__, []).append(name or "the network itself")
    if not kept:
        return None
    of_kinds = "; ".join(f"{kind}: {name_files(names[::-1])}" for kind, names in kept.items())
    return f"modules without reset_parameters ({of_kinds})"
