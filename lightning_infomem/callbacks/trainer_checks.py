"""Checks of monitors against the Trainer that they are in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from lightning_infomem._lightning import MisconfigurationException
from lightning_infomem.callbacks.run_monitor import RunMonitor
from lightning_infomem.records.metric_names import logged_name
from lightning_infomem.sampling.watching import count_loaders

__all__ = ["check_loader", "check_prefixes", "why_no_loader"]


def check_prefixes(monitors: Sequence[RunMonitor]) -> None:
    """Require that no two monitors log under one name, because Lightning would log the mean of both values.

    Raises:
        MisconfigurationException: Two prefixes are the same, or one ends in a layer of the other.
    """
    for one, other in permutations(monitors, 2):
        names = {one.prefix, *(f"{one.prefix}/{logged_name(layer)}" for layer in one.layer_names)}
        if other.prefix in names:
            raise MisconfigurationException(
                "MemorizationMonitor: prefix: names of its own are required for each monitor, got the prefixes "
                f"{one.prefix!r} and {other.prefix!r}; give each monitor another prefix=, such as 'infomem-2'."
            )


def check_loader(index: int, loaders: object) -> None:
    """Require that a Trainer's loaders have one of this index, if they are known.

    Raises:
        MisconfigurationException: They have none.
    """
    why = why_no_loader(index, loaders)
    if why is not None:
        raise MisconfigurationException(f"MemorizationMonitor: {why}.")


def why_no_loader(index: int, loaders: object) -> str | None:
    """Return why a Trainer's loaders have none of this index; None if they have it, or are not known."""
    count = count_loaders(loaders)
    if not count or index < count:
        return None
    return (
        f"dataloader_idx: the index of one of {count} loaders is required, from 0 to {count - 1}, got {index}; choose "
        "one of them"
    )
