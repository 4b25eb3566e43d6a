"""The verdict on a run at its last moment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Judgement"]


@dataclass(frozen=True)
class Judgement:
    """The verdict on a run at its last moment.

    Attributes:
        is_memorizing: Whether the run has begun to memorize individual examples; False if there is an ``abstention``.
        kept: Index of the moment to keep: the last one or, while the run memorizes, the one that agrees most with the
            consensus of the moments before memorization began.
        smoothness_drop: Drop of the prediction smoothness below its maximum, averaged over layers.
        consensus_drop: Agreement of the best moment with the consensus minus that of the last moment, as a share of
            the inputs.
        consensus_drop_error: Standard error of ``consensus_drop`` over inputs; it ignores that the best moment was
            selected.
        streak: Number of consecutive moments, up to this one, at which both have dropped.
        voters: Number of moments, from the first on, that form the consensus; moments after an alarm do not vote.
        agreement: Agreement of each moment with the consensus, as a share of the inputs; NaN for moments that cannot be
            compared with the last one.
        abstention: Reason why no verdict is possible; None if there is one.
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
        """Return the judgement as numbers, strings and lists only."""
        return {**vars(self), "agreement": list(self.agreement)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Judgement:
        """Restore a judgement from `to_state`."""
        return cls(**{**state, "agreement": tuple(map(float, state["agreement"]))})
