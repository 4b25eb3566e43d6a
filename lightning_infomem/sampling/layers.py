"""Select the layers to measure by name, pattern or type."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

from torch import nn

from lightning_infomem._checks import describe, nearest_names

__all__ = ["clean_name", "find_head", "select_layers"]

# Layers that hold the weights of a network. A block contains at least two of them.
_WEIGHT_LAYERS = (
    nn.Linear,
    nn.modules.conv._ConvNd,
    nn.Bilinear,
    nn.RNNBase,
    nn.MultiheadAttention,
)
# Name components inserted by wrappers.
_WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")


def select_layers(
    model: nn.Module, layers: str | type[nn.Module] | Sequence[str | type[nn.Module]]
) -> dict[str, nn.Module]:
    """Select modules by name, pattern, type, or "auto".

    If a network has sibling modules of one class with two or more weight layers each (residual or transformer blocks),
    "auto" selects the outermost such blocks. Otherwise (an MLP, a plain CNN) it selects every linear, convolution or
    recurrent layer but the last, the head.

    These layers are measured before the nonlinearity, because entropy after a ReLU mostly reflects sparsity. In the
    reproduction of the paper, its tau with generalisation on Shuffled MNIST falls from 1.00 before to .80 after the
    ReLU, where layers also contradict one another; the tau of mutual information is the same in both places.

    Args:
        model: Network to search; the wrappers of `torch.compile` and FSDP are transparent.
        layers: "auto", or one or more of: a module's dotted name, a shell-style pattern over dotted names
            (``"encoder.*.linear?"``, where ``*`` also matches dots), a subclass of `torch.nn.Module`.

    Returns:
        Name -> module, in the order of the network, each module once.

    Raises:
        ValueError: A pattern matches no module; the message lists the nearest names.
        TypeError: A pattern is neither a string nor a module type.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    >>> list(select_layers(model, "auto"))
    ['0', '2']
    """
    modules = {clean_name(name): module for name, module in model.named_modules() if name and clean_name(name)}
    if layers == "auto":
        return _auto_layers(model, modules)
    patterns = [layers] if isinstance(layers, (str, type)) else list(layers)
    if not patterns:
        raise ValueError('layers: at least one pattern is required, got none; give "auto" for automatic selection.')
    chosen = {name for pattern in patterns for name in _matches(pattern, modules)}
    return {name: module for name, module in modules.items() if name in chosen}


def find_head(model: nn.Module, layers: Mapping[str, nn.Module]) -> nn.Module | None:
    """Find the head of a network: the linear layer declared last, whose outputs are taken to be the logits.

    Args:
        model: Network to search.
        layers: Name -> module of the measured layers.

    Returns:
        The head, or None if there is no linear layer or it is part of a measured layer.
    """
    measured = {id(part) for module in layers.values() for part in module.modules()}
    heads = [module for module in model.modules() if isinstance(module, nn.Linear)]
    return heads[-1] if heads and id(heads[-1]) not in measured else None


def clean_name(name: str) -> str:
    """Return a module's dotted name without the components inserted by wrappers."""
    parts = [part for part in name.split(".") if part not in _WRAPPERS]
    return ".".join(parts)


def _matches(pattern: object, modules: dict[str, nn.Module]) -> list[str]:
    if isinstance(pattern, type) and issubclass(pattern, nn.Module):
        found = [name for name, module in modules.items() if isinstance(module, pattern)]
        if not found:
            kinds = sorted({type(module).__name__ for module in modules.values()})
            raise ValueError(
                f"layers: a module type used in the network is required, got {pattern.__name__}; choose one of {kinds}."
            )
        return found
    if not isinstance(pattern, str):
        raise TypeError(f"layers: names, patterns or module types are required, got {describe(pattern)}.")
    found = [pattern] if pattern in modules else fnmatch.filter(modules, pattern)
    if not found:
        nearest = ", ".join(map(repr, nearest_names(pattern, modules))) or "none: the network has no submodule"
        raise ValueError(
            f"layers: a name or pattern that matches a module is required, got {pattern!r}; nearest: {nearest}."
        )
    return found


def _auto_layers(model: nn.Module, modules: dict[str, nn.Module]) -> dict[str, nn.Module]:
    blocks = _outermost_blocks(model)
    if blocks:
        return {name: module for name, module in modules.items() if id(module) in blocks}
    weights = [(name, module) for name, module in modules.items() if _holds_weights(module)]
    inner = {id(child) for _, module in weights for child in module.modules() if child is not module}
    weights = [(name, module) for name, module in weights if id(module) not in inner]
    if not weights:
        known = ", ".join(map(repr, nearest_names("", modules))) or "no submodule at all"
        raise ValueError(
            f'layers: "auto" needs linear, convolution or recurrent layers, but {type(model).__name__} has none; '
            f"name the layers explicitly; available: {known}."
        )
    return dict(weights[:-1] or weights)


def _outermost_blocks(module: nn.Module) -> set[int]:
    """Return the ids of the blocks nearest to the root, including lists of blocks at different depths."""
    children = [child for child in module.children() if _num_weight_layers(child) >= 2]
    kinds = [type(child) for child in children]
    found: set[int] = set()
    for child in children:
        if kinds.count(type(child)) >= 2 and not isinstance(child, (nn.ModuleList, nn.ModuleDict)):
            found.add(id(child))
        else:
            found |= _outermost_blocks(child)
    return found


def _num_weight_layers(module: nn.Module) -> int:
    return sum(_holds_weights(part) for part in module.modules())


def _holds_weights(module: nn.Module) -> bool:
    """Whether a module is a torch weight layer or has its own weight matrix (GPT-2's Conv1D); never an embedding."""
    if isinstance(module, (*_WEIGHT_LAYERS, nn.Embedding, nn.EmbeddingBag)):
        return isinstance(module, _WEIGHT_LAYERS)
    weight = dict(module.named_parameters(recurse=False)).get("weight")
    return weight is not None and weight.ndim >= 2
