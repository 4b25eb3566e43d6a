"""Select modules of a network by name, pattern or type."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from torch import nn

from lightning_infomem._checks import describe, nearest_names
from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = ["clean_name", "holds_weights", "select_layers"]

# Layers that hold the weights of a network.
_WEIGHT_LAYERS = (
    nn.Linear,
    nn.modules.conv._ConvNd,
    nn.Bilinear,
    nn.RNNBase,
    nn.RNNCellBase,
    nn.MultiheadAttention,
)
# Name components inserted by wrappers.
_WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")


def select_layers(
    model: nn.Module, layers: str | type[nn.Module] | Sequence[str | type[nn.Module]]
) -> dict[str, nn.Module]:
    """Select modules by name, pattern or type.

    Args:
        model: Network to search; the wrappers of `torch.compile` and FSDP are transparent.
        layers: One or more of: a module's dotted name, a shell-style pattern over dotted names
            (``"encoder.*.linear?"``, where ``*`` also matches dots), a subclass of `torch.nn.Module`.

    Returns:
        Name -> module, in the order of declaration, each module once.

    Raises:
        ValueError: A pattern matches no module; the message lists the nearest names.
        TypeError: A pattern is neither a string nor a module type.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    >>> list(select_layers(model, ["0", nn.ReLU]))
    ['0', '1', '3']
    """
    modules = {clean_name(name): module for name, module in model.named_modules() if name and clean_name(name)}
    patterns = [layers] if isinstance(layers, (str, type)) else list(layers)
    if not patterns:
        raise UsageValueError(
            'layers: at least one pattern is required, got none; give "auto" for automatic selection.'
        )
    chosen = {name for pattern in patterns for name in _matches(pattern, modules)}
    return {name: module for name, module in modules.items() if name in chosen}


def clean_name(name: str) -> str:
    """Return a module's dotted name without the components inserted by wrappers."""
    parts = [part for part in name.split(".") if part not in _WRAPPERS]
    return ".".join(parts)


def _matches(pattern: object, modules: dict[str, nn.Module]) -> list[str]:
    if isinstance(pattern, type) and issubclass(pattern, nn.Module):
        found = [name for name, module in modules.items() if isinstance(module, pattern)]
        if not found:
            kinds = sorted({type(module).__name__ for module in modules.values()})
            raise UsageValueError(
                f"layers: a module type used in the network is required, got {pattern.__name__}; choose one of {kinds}."
            )
        return found
    if not isinstance(pattern, str):
        raise UsageTypeError(f"layers: names, patterns or module types are required, got {describe(pattern)}.")
    found = [pattern] if pattern in modules else fnmatch.filter(modules, pattern)
    if not found:
        nearest = ", ".join(map(repr, nearest_names(pattern, modules))) or "none: the network has no submodule"
        raise UsageValueError(
            f"layers: a name or pattern that matches a module is required, got {pattern!r}; nearest: {nearest}."
        )
    return found


def holds_weights(module: nn.Module) -> bool:
    """Whether a module is a torch weight layer or has its own weight matrix (GPT-2's Conv1D); never an embedding."""
    if isinstance(module, (*_WEIGHT_LAYERS, nn.Embedding, nn.EmbeddingBag)):
        return isinstance(module, _WEIGHT_LAYERS)
    weight = dict(module.named_parameters(recurse=False)).get("weight")
    return weight is not None and weight.ndim >= 2
