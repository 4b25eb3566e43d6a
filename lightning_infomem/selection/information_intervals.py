"""Intervals of the mutual information of checkpoints, or of groups of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.uncertainty import LEVEL, draw_means

__all__ = ["information_intervals"]


def information_intervals(
    candidates: Sequence[Candidate], layers: Sequence[str], *, members: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """Compute mutual information with bootstrap intervals, over units.

    Args:
        candidates: The checkpoints.
        layers: Names of the layers, which all of them have.
        members: Number of the group of each checkpoint. If given, the values are those of groups.

    Returns:
        For each candidate or group, the fields ``mutual_information``, ``interval`` and ``reseed_interval`` of
        `RankedCheckpoint`. The last is sqrt(2) times as wide as the second, because both ends differ from seed to seed,
        and assumes that the layers of one network move together.
    """
    values = np.array([[each.layers[name].mutual_information for each in candidates] for name in layers])
    if members is not None:
        groups = np.asarray(members)
        values = np.stack([values[:, groups == group].mean(axis=1) for group in range(groups.max() + 1)], axis=1)
    draws = np.stack(
        [
            draw_means([each.layers[name].unit_information for each in candidates], members, seed=seed)
            for seed, name in enumerate(layers)
        ]
    )
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    information, interval = values.mean(axis=0), np.quantile(draws.mean(axis=0), tails, axis=1)
    low, high = np.quantile(draws, tails, axis=2)
    reseeded = information + np.sqrt(2) * np.array([(low - values).mean(axis=0), (high - values).mean(axis=0)])
    columns: dict[str, Any] = {
        "mutual_information": information.tolist(),
        "interval": zip(*interval.tolist(), strict=True),
        "reseed_interval": zip(*reseeded.tolist(), strict=True),
    }
    return [dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)]
