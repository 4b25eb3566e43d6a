"""What speaks against the choice that a ranking makes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import kendalltau

from lightning_infomem.records.flag import Flag
from lightning_infomem.records.ranking_row import RankedCheckpoint
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.criteria import CONSENSUS_ACCURACY, NEIGHBOR_AGREEMENT, REFERENCE_AGREEMENT
from lightning_infomem.selection.doubts import doubts_of_ranks, why_rank_is_shared

__all__ = ["doubts_of_choice"]

# Chosen on the first replicate of the sweeps (`examples/choosing/results`).
_CONTRADICTION = 0.3  # least tau-b between what should order checkpoints alike
_SURE, _UNSURE = 0.9, 0.7  # P(best) of another checkpoint, and of the choice
_FEW = 5  # checkpoints; fewer make a poor consensus
_VALIDATION = ("validation_accuracy", "validation_loss")


def doubts_of_choice(
    leader: str,
    rows: Sequence[RankedCheckpoint],
    candidates: Sequence[Candidate],
    layers: Sequence[str],
    *,
    reference: Candidate | None = None,
    num_classes: int | None = None,
    num_labels: int = 0,
) -> list[Flag]:
    """Return the doubts about the first rank.

    Args:
        leader: Name of the criterion that leads.
        rows: The ranked checkpoints.
        candidates: The same in this order.
        layers: Names of the layers, which all of them have.
        reference: A checkpoint that generalises.
        num_classes: Number of classes; None if predictions are not compared.
        num_labels: Number of inputs whose labels are given.

    Returns:
        Flags named "two_classes" (a consensus leads, and errors of two classes coincide), "few_checkpoints" (a
        consensus of fewer than five leads), "consensus_disagrees" (the consensus is nearly sure of another choice),
        "neighbors_disagree" (the consensus orders the checkpoints in another way than the neighbours among the training
        examples), "validation_disagrees" (by a validation metric in the checkpoints the choice is in the worse half),
        and those of `doubts_of_ranks`.
    """
    flags = []
    if leader == CONSENSUS_ACCURACY.name and num_classes == 2 and not num_labels:
        flags.append(
            Flag(
                "two_classes",
                "with two classes, checkpoints that err agree with one another, so that the consensus takes an error "
                "that several share for the truth; labels would tell (.ask)",
            )
        )
    if leader == CONSENSUS_ACCURACY.name and len(rows) < _FEW and not num_labels:
        flags.append(
            Flag(
                "few_checkpoints",
                f"{len(rows)} checkpoints make a poor consensus: two that err alike outvote a good one; give more, or "
                "labels (.ask)",
            )
        )
    flags += _doubts_of_consensus(leader, rows)
    flags += _doubts_of_neighbors(rows) if leader in (CONSENSUS_ACCURACY.name, NEIGHBOR_AGREEMENT.name) else []
    flags += _doubts_of_validation(rows)
    first = [each for each, row in zip(candidates, rows, strict=True) if row.rank == 1]
    return flags + doubts_of_ranks(
        leader,
        [row.rank or 0 for row in rows],
        [row.entropy_rank for row in rows],
        sum(bool(row.in_best_set) for row in rows),
        why_rank_is_shared(first, layers, reference),
    )


def _doubts_of_consensus(leader: str, rows: Sequence[RankedCheckpoint]) -> list[Flag]:
    """Doubt a choice by a reference or by neighbours if the consensus, which is part of P(best), is against it."""
    if leader not in (REFERENCE_AGREEMENT.name, NEIGHBOR_AGREEMENT.name):
        return []
    chosen = max(row.probability_best or 0.0 for row in rows if row.rank == 1)
    other = max(rows, key=lambda row: row.probability_best or 0.0)
    if chosen >= _UNSURE or (other.probability_best or 0.0) < _SURE:
        return []
    return [
        Flag(
            "consensus_disagrees",
            f"by the consensus '{other.path.name}' is better (P(best) {other.probability_best:.2f}); labels would "
            "tell (.ask)",
        )
    ]


def _doubts_of_neighbors(rows: Sequence[RankedCheckpoint]) -> list[Flag]:
    names = (CONSENSUS_ACCURACY.name, NEIGHBOR_AGREEMENT.name)
    consensus, neighbors = ([row.scores.get(name, math.nan) for row in rows] for name in names)
    tau = kendalltau(consensus, neighbors).statistic
    if not tau < _CONTRADICTION:  # NaN if unknown
        return []
    return [
        Flag(
            "neighbors_disagree",
            f"the consensus and the labels of neighbours order the checkpoints differently (tau-b {tau:.2f}): one "
            "of them is wrong; labels would tell which (.ask)",
        )
    ]


def _doubts_of_validation(rows: Sequence[RankedCheckpoint]) -> list[Flag]:
    flags = []
    for name in _VALIDATION:
        ranks = [row.ranks.get(name) for row in rows]
        known = sorted(rank for rank in ranks if rank is not None)
        chosen = min((row.ranks[name] for row in rows if row.rank == 1 and name in row.ranks), default=None)
        if chosen is None or len(known) < len(rows) or known[0] == known[-1]:
            continue
        better = sum(rank < chosen for rank in known)
        if 2 * better >= len(rows):
            flags.append(
                Flag(
                    "validation_disagrees",
                    f"by {name.replace('_', ' ')}, {better} of the {len(rows) - 1} others are better than the choice: "
                    "the labels may carry a shortcut, or the choice is wrong",
                )
            )
    return flags
