"""Rankings with only the attributes that figures read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    path: Path
    mutual_information: float
    interval: tuple[float, float]
    probability_best: float | None = None
    in_best_set: bool | None = None
    epoch: int | None = None
    entropy: float = 2.0
    kind: str | None = None
    ranks: Mapping[str, int] = field(default_factory=dict)
    name: str = ""
    rank: int | None = None
    score: float = math.nan
    score_interval: tuple[float, float] = (math.nan, math.nan)
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ranking:
    rows: tuple[Row, ...]
    order: str | None = "heuristic"
    groups: tuple[Row, ...] = ()
    control: Row | None = None
    criterion: str | None = None


def make_rows(count: int, **fields: Any) -> tuple[Row, ...]:
    """Make rows in the order of their ranks; the first two are the best set."""
    return tuple(
        Row(
            Path("runs", f"r{place}", "last.ckpt"),
            0.1 + 0.01 * place,
            (0.09 + 0.01 * place, 0.12 + 0.01 * place),
            **{"probability_best": 0.5 if place < 2 else 0.0, "in_best_set": place < 2, **fields},
        )
        for place in range(count)
    )
