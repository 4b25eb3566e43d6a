"""The rows of a ranking: one per checkpoint, and one per group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lightning_infomem.records.table import printable

__all__ = ["RankedCheckpoint", "RankedGroup", "describe_others"]


@dataclass(frozen=True)
class RankedCheckpoint:
    """One checkpoint in a ranking. All intervals cover 90 %.

    Attributes:
        path: Path of the file.
        epoch: Epoch in which it was saved; None if unknown.
        step: Global step at which it was saved; None if unknown.
        entropy: Mean entropy over units and ranked layers, nats. Ranks are made per layer, not from this mean.
        mutual_information: Mean mutual information over pairs and ranked layers, nats. Ranks are made per layer, not
            from this mean.
        rank: Rank by the criterion that leads, 1 is best; None without a ranking.
        entropy_rank: Rank by entropy, 1 is best; None if the kind of memorization is unknown.
        metrics: Name -> value that ModelCheckpoint monitored when it saved the file.
        interval: Interval of ``mutual_information`` over units.
        reseed_interval: Interval in which ``mutual_information`` is expected after training with another seed.
        rank_interval: Interval of ``rank``; None without a ranking.
        probability_best: Probability that no other checkpoint is better, or, by a criterion of predictions, better by
            more than a point; None without a ranking. See `certainty`.
        in_best_set: Whether it is in the set that holds the best in four of five cases; None without a ranking.
        kind: Kind of memorization compared with the reference: "heuristic", "example", or None if it is like the
            reference or there is none.
        group: Name of its group; None without groups.
        scores: Criterion -> value, mean over layers, for each known one of `selection.criteria`.
        ranks: Criterion -> rank, 1 is best; of those whose direction is known.
        score: Value of the criterion that leads, the mean over layers if it has layers; NaN without a ranking.
        score_interval: Interval of ``score``; NaN without a ranking.
        recipe: Setting of the training that differs between checkpoints -> value, None if unknown.
        is_underfit: Whether the network was hardly trained; None if unknown.
    """

    path: Path
    epoch: int | None
    step: int | None
    entropy: float
    mutual_information: float
    rank: int | None
    entropy_rank: int | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    interval: tuple[float, float] = (math.nan, math.nan)
    reseed_interval: tuple[float, float] = (math.nan, math.nan)
    rank_interval: tuple[int, int] | None = None
    probability_best: float | None = None
    in_best_set: bool | None = None
    kind: str | None = None
    group: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)
    score: float = math.nan
    score_interval: tuple[float, float] = (math.nan, math.nan)
    recipe: Mapping[str, bool | int | float | str | None] = field(default_factory=dict)
    is_underfit: bool | None = None

    def __str__(self) -> str:
        known = (("epoch", self.epoch), ("step", self.step))
        moment = "".join(f", {unit} {value}" for unit, value in known if value is not None)
        measures = f"mutual information {self.mutual_information:.4f}, entropy {self.entropy:.4f} nats"
        return f"'{printable(str(self.path))}'{moment}: {_place(self)}{measures}{_chance(self)}"


@dataclass(frozen=True)
class RankedGroup:
    """Checkpoints of one recipe, usually of several seeds, ranked together by the mean of their values.

    Attributes:
        name: Name of the group.
        paths: Paths of its checkpoints.
        mutual_information: Mean over members and layers, nats.
        interval: Interval of this mean, over members if there are several, else over units.
        rank: Rank among the groups; see `RankedCheckpoint`.
        score: Mean over members; see `RankedCheckpoint`.
        score_interval: Interval of this mean; see `RankedCheckpoint`.
        rank_interval: Interval of ``rank``; see `RankedCheckpoint`.
        probability_best: Probability that no other group is better; see `RankedCheckpoint`.
        in_best_set: Whether it cannot be distinguished from the best group; see `RankedCheckpoint`.
    """

    name: str
    paths: tuple[Path, ...]
    mutual_information: float
    interval: tuple[float, float]
    rank: int | None = None
    rank_interval: tuple[int, int] | None = None
    probability_best: float | None = None
    in_best_set: bool | None = None
    score: float = math.nan
    score_interval: tuple[float, float] = (math.nan, math.nan)

    def __str__(self) -> str:
        measures = f"mutual information {self.mutual_information:.4f} nats"
        count = f"{len(self.paths)} checkpoint" + "s" * (len(self.paths) != 1)
        return f"'{printable(self.name)}' ({count}): {_place(self)}{measures}{_chance(self)}"


def describe_others(rows: Sequence[RankedCheckpoint] | Sequence[RankedGroup]) -> str:
    """Return how many rows cannot be distinguished from the best, in words."""
    alike, others = sum(bool(row.in_best_set) for row in rows) - 1, len(rows) - 1
    if others == 1:
        return "the other one cannot be distinguished from it" if alike else "the other one is worse"
    return f"{alike} of the {others} others cannot be distinguished from it" if alike else "all others are worse"


def _place(row: RankedCheckpoint | RankedGroup) -> str:
    return "" if row.rank is None else f"rank {row.rank}, "


def _chance(row: RankedCheckpoint | RankedGroup) -> str:
    return "" if row.probability_best is None else f", P(best) {row.probability_best:.2f}"
