"""Find the components of a network by name, and reset them to the weights of another network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import torch
from torch import nn

from lightning_infomem._checks import describe
from lightning_infomem.sampling.layers import clean_name, select_layers

__all__ = ["Components", "count_parameters", "find_components", "reset_modules"]

Patterns: TypeAlias = "str | type[nn.Module] | Sequence[str | type[nn.Module]]"
Components: TypeAlias = "Patterns | Mapping[str, Patterns]"


def find_components(network: nn.Module, components: Components) -> dict[str, list[str]]:
    """Find the modules whose direct parameters and buffers make up each component.

    Args:
        network: Network to search.
        components: Names, patterns or groups; see `information_ablation`.

    Returns:
        Component -> names of modules, as in `torch.nn.Module.named_modules`.

    Raises:
        TypeError, ValueError: See `select_layers`; also no component, or one without parameters and buffers.
    """
    if isinstance(components, str) and components == "children":
        parts = _children(network)
    elif isinstance(components, Mapping):
        chosen = {str(name): _select(network, patterns) for name, patterns in components.items()}
        parts = {
            name: [owner for module in modules.values() for owner in _holders(module)]
            for name, modules in chosen.items()
        }
    else:
        parts = {name: _holders(module) for name, module in _select(network, components).items()}
        parts = {name: owners for name, owners in parts.items() if owners}  # "*" also matches activations
    empty = [name for name, owners in parts.items() if not owners]
    if empty or not parts:
        raise ValueError(
            "components: modules with parameters or buffers are required, got none in "
            f"{', '.join(map(repr, empty)) or describe(components)}; give other patterns."
        )
    names = {id(module): name for name, module in network.named_modules()}
    return {part: list(dict.fromkeys(names[id(owner)] for owner in owners)) for part, owners in parts.items()}


def count_parameters(network: nn.Module, owners: Sequence[str]) -> int:
    """Count the elements of the parameters that modules hold directly; shared parameters count once."""
    parameters = {id(each): each for name in owners for each in network.get_submodule(name).parameters(recurse=False)}
    return sum(each.numel() for each in parameters.values())


def reset_modules(network: nn.Module, initial: nn.Module, owners: Sequence[str]) -> None:
    """Copy the parameters and buffers that modules hold directly from the same network with other weights.

    Shared parameters change for every module that uses them.
    """
    for name in owners:
        module, source = network.get_submodule(name), initial.get_submodule(name)
        with torch.no_grad():
            for key, parameter in source.named_parameters(recurse=False):
                module.get_parameter(key).copy_(parameter)
        for key, buffer in source.named_buffers(recurse=False):
            setattr(module, key, buffer.detach().clone())  # non-persistent buffers may have another shape


def _select(network: nn.Module, patterns: Patterns) -> dict[str, nn.Module]:
    try:
        return select_layers(network, patterns)
    except (TypeError, ValueError) as fault:
        raise type(fault)(f"components: {fault}") from fault


def _children(network: nn.Module) -> dict[str, list[nn.Module]]:
    """Return the children of the first module on the way down with direct parameters or several such children."""
    prefix, module = "", network
    while True:
        children = {f"{prefix}{name}": child for name, child in module.named_children() if _holders(child)}
        if _holds(module) or len(children) != 1:
            break
        (name, child), *_ = children.items()
        if not any(_holders(each) for each in child.children()):  # the child is a single layer
            break
        prefix, module = f"{name}.", child
    parts = {clean_name(name): _holders(child) for name, child in children.items()}
    return parts | ({"own parameters": [module]} if _holds(module) else {})


def _holders(module: nn.Module) -> list[nn.Module]:
    return [each for each in module.modules() if _holds(each)]


def _holds(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False)) or any(True for _ in module.buffers(recurse=False))
