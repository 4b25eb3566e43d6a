"""What the figures need to know of a ranking; `lightning_infomem.Ranking` is one, and stands above this floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

__all__ = ["Estimate", "NamedEstimate", "Ranked", "RankedRow"]


class Estimate(Protocol):
    """A mean mutual information and how sure it is; of a checkpoint or of a group of them."""

    @property
    def mutual_information(self) -> float:
        """In nats."""

    @property
    def interval(self) -> tuple[float, float]:
        """Of 90 %; NaN where there is none."""

    @property
    def probability_best(self) -> float | None:
        """None where there is no ranking."""

    @property
    def in_best_set(self) -> bool | None:
        """Whether it cannot be told from the best; None where there is no ranking."""


class RankedRow(Estimate, Protocol):
    """One checkpoint."""

    @property
    def path(self) -> Path:
        """Of the file."""

    @property
    def epoch(self) -> int | None:
        """None where the file does not say."""

    @property
    def entropy(self) -> float:
        """In nats."""

    @property
    def kind(self) -> str | None:
        """Of memorization, where a reference told it: "heuristic", "example", or None."""

    @property
    def scores(self) -> Mapping[str, float]:
        """Criterion -> value."""

    @property
    def ranks(self) -> Mapping[str, int]:
        """Criterion -> rank, 1 is best."""


class NamedEstimate(Estimate, Protocol):
    """Checkpoints of one recipe."""

    @property
    def name(self) -> str:
        """Of the recipe."""


class Ranked(Protocol):
    """Checkpoints, best first."""

    @property
    def rows(self) -> Sequence[RankedRow]:
        """The checkpoints, best first."""

    @property
    def groups(self) -> Sequence[NamedEstimate]:
        """Best first; empty without groups."""

    @property
    def control(self) -> RankedRow | None:
        """The network before any training."""

    @property
    def order(self) -> str | None:
        """What is better: "heuristic", "example", or "nearest" to a reference; None where there is no ranking."""
