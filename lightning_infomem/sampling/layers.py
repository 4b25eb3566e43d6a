"""From patterns to modules: which layers of a network are measured."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

from torch import nn

from lightning_infomem._checks import describe, nearest_names

__all__ = ["clean_name", "find_head", "select_layers"]

# Layers that hold the weights of a network; a block is what contains at least two of them.
_WEIGHT_LAYERS = (
    nn.Linear,
    nn.modules.conv._ConvNd,
    nn.Bilinear,
    nn.RNNBase,
    nn.MultiheadAttention,
)
# What wrappers put into the names of modules, and no user wrote.
_WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")


def select_layers(
    model: nn.Module, layers: str | type[nn.Module] | Sequence[str | type[nn.Module]]
) -> dict[str, nn.Module]:
    """Choose modules by name, pattern, type, or "auto".

    "auto": where modules of one class that hold two or more weight layers each stand side by side (residual or
    transformer blocks), the outputs of the outermost such blocks are measured. Elsewhere (an MLP, a plain CNN) it is
    the output of every linear, convolution or recurrent layer but the last one, the head: the values before the
    nonlinearity, because behind a ReLU entropy mostly reports sparsity: in the reproduction of the paper its tau with
    generalisation falls from 1.00 to .80 on Shuffled MNIST, and layers contradict one another; that of mutual
    information is the same before and behind.

    Args:
        model: the network; wrappers of `torch.compile` and FSDP are looked through.
        layers: "auto", or one or several of: a module's dotted name, a pattern of shell wildcards over dotted names
            (``"encoder.*.linear?"``; ``*`` also crosses dots), a subclass of `torch.nn.Module`.

    Returns:
        Name -> module, in the order of the network, each module once.

    Raises:
        ValueError: a pattern matches no module; the nearest names are listed.
        TypeError: a pattern is neither a string nor a module type.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    >>> list(select_layers(model, "auto"))
    ['0', '2']
    """
    modules = {clean_name(name): module for name, module in model.named_modules() if name and clean_name(name)}
    if layers == "auto":
        return _auto_layers(model, modules)
    patterns = [layers] if isinstance(layers, (str, type)) else list(layers)
    if not patterns:
        raise ValueError('layers: at least one pattern is required, got none; give "auto" to have them chosen.')
    chosen = {name for pattern in patterns for name in _matches(pattern, modules)}
    return {name: module for name, module in modules.items() if name in chosen}


def find_head(model: nn.Module, layers: Mapping[str, nn.Module]) -> nn.Module | None:
    """The last linear layer of a network as its author wrote it down, whose outputs are its logits.

    Args:
        model: the network.
        layers: name -> module of those that are measured.

    Returns:
        None where there is no such layer, or it lies within a measured one.
    """
    measured = {id(part) for module in layers.values() for part in module.modules()}
    heads = [module for module in model.modules() if isinstance(module, nn.Linear)]
    return heads[-1] if heads and id(heads[-1]) not in measured else None


def clean_name(name: str) -> str:
    """A module's dotted name as its author wrote it, without the parts that wrappers inserted."""
    parts = [part for part in name.split(".") if part not in _WRAPPERS]
    return ".".join(parts)


def _matches(pattern: object, modules: dict[str, nn.Module]) -> list[str]:
    if isinstance(pattern, type) and issubclass(pattern, nn.Module):
        found = [name for name, module in modules.items() if isinstance(module, pattern)]
        if not found:
            kinds = sorted({type(module).__name__ for module in modules.values()})
            raise ValueError(
                f"layers: a module type of the network is required, got {pattern.__name__}; it has {kinds}."
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
            f"name the layers yourself, of: {known}."
        )
    return dict(weights[:-1] or weights)


def _outermost_blocks(module: nn.Module) -> set[int]:
    """Ids of the blocks nearest to the root; several lists of blocks at different depths are all found."""
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
    """Layers of torch, and those of other packages with a matrix of their own (GPT-2's Conv1D), but no embedding."""
    if isinstance(module, (*_WEIGHT_LAYERS, nn.Embedding, nn.EmbeddingBag)):
        return isinstance(module, _WEIGHT_LAYERS)
    weight = dict(module.named_parameters(recurse=False)).get("weight")
    return weight is not None and weight.ndim >= 2
