"""The logged values of a run as they travel in its checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

__all__ = ["history_from_state", "history_to_state"]


def history_to_state(history: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """One tensor: a checkpoint loads its numbers one by one else, which takes seconds after some hundred measurements.

    Args:
        history: the finite values of every measurement.

    >>> history_to_state([{"step": 1.0}, {"step": 2.0, "mi": 0.5}])["names"]
    ['step', 'mi']
    """
    names = list(dict.fromkeys(name for values in history for name in values))
    rows = [[values.get(name, math.nan) for name in names] for values in history]
    return {"names": names, "values": torch.tensor(rows, dtype=torch.float64).reshape(len(history), len(names))}


def history_from_state(state: Any) -> list[dict[str, float]]:
    """The inverse of `history_to_state`.

    Raises:
        KeyError, TypeError, ValueError: the state is damaged.
    """
    names, rows = state["names"], state["values"].tolist()
    return [{name: value for name, value in zip(names, row, strict=True) if not math.isnan(value)} for row in rows]
