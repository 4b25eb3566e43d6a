"""What the figures need to know of a ranking; `lightning_infomem.Ranking` is one, and stands above this room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup

__all__ = ["Ranked"]


class Ranked(Protocol):
    """Checkpoints, best first."""

    @property
    def rows(self) -> Sequence[RankedCheckpoint]:
        """The checkpoints, best first."""

    @property
    def groups(self) -> Sequence[RankedGroup]:
        """The groups, best first; empty without any."""

    @property
    def control(self) -> RankedCheckpoint | None:
        """The network before any training."""

    @property
    def order(self) -> str | None:
        """What is better: "heuristic", "example", or "nearest" to a reference; None where there is no ranking."""
