"""The callbacks that wait for a logged value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

__all__ = ["listeners"]


def listeners(callbacks: Iterable[object], values: Mapping[str, float]) -> dict[str, str]:
    """Say what other callbacks make of values that are NaN.

    Args:
        callbacks: Callbacks of a Trainer; those with a ``monitor`` listen, as Lightning's do.
        values: Logged name -> value.

    Returns:
        Name of each NaN that somebody listens to -> who does, and what follows.
    """
    found: dict[str, list[str]] = {}
    for callback in callbacks:
        name = getattr(callback, "monitor", None)
        if isinstance(name, str) and math.isnan(values.get(name, 0.0)):
            who = f"{type(callback).__name__}(monitor={name!r})"
            if getattr(callback, "check_finite", False):
                follows = f"{who} is about to end the run, because of check_finite=True"
            elif hasattr(callback, "best_model_path"):
                follows = f"{who} takes it for the worst value"
            else:
                follows = f"{who} listens"
            found.setdefault(name, []).append(follows)
    return {name: "; ".join(who) for name, who in found.items()}
