"""What a checkpoint says of how its network was trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

__all__ = ["MIXED", "Recipe", "read_recipe", "select_plain"]

Recipe = Mapping[str, bool | int | float | str]

MIXED = "mixed"  # a setting of an optimizer that differs between its groups

# A checkpoint can hold anything.
_MOST_ENTRIES = 200
_MOST_OPTIMIZERS = 10
_MOST_VISITED = 2000
_DEPTH = 5
_LONGEST_TEXT = 100
_LONGEST_SEQUENCE = 16
_LARGEST = 2**63

# Entries of an optimizer's group that are no settings of the training, besides the rate that is stored as "lr" below.
_NO_SETTINGS = ("params", "param_names", "initial_lr", "foreach", "fused", "capturable", "differentiable")


def read_recipe(loaded: Mapping[str, Any]) -> Recipe:
    """Read the hyperparameters and the settings of the optimizers in a checkpoint of Lightning.

    Args:
        loaded: The loaded checkpoint.

    Returns:
        Name -> value, at most 200 entries, as `select_plain` selects them: the module's hyperparameters by their own
        names, those of the data module after "datamodule/", and the settings of the first optimizer after "optimizer/"
        (of the second after "optimizer_2/", and so on). A learning rate is that before any schedule if the checkpoint
        has it, else the present one. A setting that differs between the groups of an optimizer is "mixed". What an
        optimizer says replaces a hyperparameter of the same name.
    """
    trees = [("", loaded.get("hyper_parameters")), ("datamodule/", loaded.get("datamodule_hyper_parameters"))]
    states = loaded.get("optimizer_states")
    for number, state in enumerate(states[:_MOST_OPTIMIZERS] if isinstance(states, list) else [], start=1):
        groups = state.get("param_groups") if isinstance(state, Mapping) else None
        trees.append(("optimizer/" if number == 1 else f"optimizer_{number}/", _settings(groups)))
    entries = {f"{prefix}{name}": value for prefix, tree in trees for name, value in select_plain(tree).items()}
    return dict(list(entries.items())[:_MOST_ENTRIES])


def select_plain(tree: object) -> Recipe:
    """Return the numbers, texts and booleans in nested mappings, by their names joined with "/".

    None and floats that are not finite become text, and so do sequences of up to 16 plain values. Everything else is
    left out: other objects, texts that are long or cannot be printed, names that begin with "_", which are internal,
    and what lies deeper than 5 mappings or beyond 200 entries.

    >>> select_plain({"lr": 0.1, "model": {"hidden": [64, 32], "dropout": None}, "loss": object()})
    {'lr': 0.1, 'model/hidden': '64, 32', 'model/dropout': 'None'}
    """
    entries: dict[str, bool | int | float | str] = {}
    for visited, (name, value) in enumerate(_walk(tree, "", _DEPTH)):
        if len(entries) == _MOST_ENTRIES or visited == _MOST_VISITED:
            break
        plain = _as_plain(value)
        if plain is not None and len(name) <= _LONGEST_TEXT and name.isprintable():
            entries[name] = plain
    return entries


def _walk(tree: object, path: str, depth: int) -> Iterator[tuple[str, object]]:
    """Go through nested mappings; they are returned too, so that mappings within mappings come to an end."""
    if not isinstance(tree, Mapping) or not depth:
        return
    for name, value in tree.items():
        if isinstance(name, str) and not name.startswith("_"):
            yield f"{path}{name}", value
            yield from _walk(value, f"{path}{name}/", depth - 1)


def _as_plain(value: object) -> bool | int | float | str | None:
    """Return a value as a recipe holds it; None if it holds no such value."""
    if isinstance(value, (tuple, list)):
        is_flat = len(value) <= _LONGEST_SEQUENCE and not any(isinstance(part, (tuple, list)) for part in value)
        parts = [_as_plain(part) for part in value] if is_flat else [None]
        return None if None in parts else _as_plain(", ".join(map(str, parts)))
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT and value.isprintable() else None
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    is_number = isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGEST)
    return value if is_number else None  # type: ignore[return-value]


def _settings(groups: object) -> Recipe:
    """Return the settings of the first group of an optimizer, and where another group differs that it does."""
    known = [group for group in groups if isinstance(group, Mapping)] if isinstance(groups, list) else []
    each = [select_plain(_before_schedule(group)) for group in known[:_MOST_ENTRIES]]
    first = each[0] if each else {}
    return {name: value if all(one.get(name) == value for one in each) else MIXED for name, value in first.items()}


def _before_schedule(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a group, with the learning rate from which a schedule began."""
    settings = {name: value for name, value in group.items() if name not in _NO_SETTINGS}
    return {**settings, "lr": group["initial_lr"]} if "initial_lr" in group else settings
