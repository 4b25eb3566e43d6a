"""What the course of a run tells at its last moment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Judgement"]


@dataclass(frozen=True)
class Judgement:
    """What the course of a run tells at its last moment.

    Attributes:
        is_memorizing: whether the run has begun to store single examples; never where there is an ``abstention``.
        kept: index of the moment to keep: the last one, or while the run memorizes, that which agrees most with the
            consensus of the moments until that began.
        smoothness_drop: how far the smoothness of predictions is below its highest value, mean over layers.
        consensus_drop: by how many of the inputs, as a share, the last moment agrees less with the consensus of the
            moments than the one that agrees most.
        consensus_drop_error: its standard error over inputs; that one moment was chosen is not in it.
        streak: at how many moments in a row, this one the last, both have dropped.
        voters: of how many moments, from the first on, the consensus is; those after an alarm have no vote.
        agreement: of each moment with the consensus, as a share of the inputs; NaN for moments that cannot be compared
            with the last one.
        abstention: why nothing can be told; None where something can.
    """

    is_memorizing: bool
    kept: int
    smoothness_drop: float = math.nan
    consensus_drop: float = math.nan
    consensus_drop_error: float = math.nan
    streak: int = 0
    voters: int = 0
    agreement: tuple[float, ...] = ()
    abstention: str | None = None

    def to_state(self) -> dict[str, Any]:
        """Numbers, strings and lists only."""
        return {**vars(self), "agreement": list(self.agreement)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Judgement:
        """The inverse of `to_state`."""
        return cls(**{**state, "agreement": tuple(state["agreement"])})
