"""What speaks against the choice that a ranking makes."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_infomem.records.flag import Flag
from lightning_infomem.records.ranking_row import RankedCheckpoint
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.doubts import doubts_of_ranks, why_rank_is_shared

__all__ = ["doubts_of_choice"]


def doubts_of_choice(
    leader: str,
    rows: Sequence[RankedCheckpoint],
    candidates: Sequence[Candidate],
    layers: Sequence[str],
    reference: Candidate | None,
) -> list[Flag]:
    """Return the doubts about the first rank."""
    first = [each for each, row in zip(candidates, rows, strict=True) if row.rank == 1]
    return doubts_of_ranks(
        leader,
        [row.rank or 0 for row in rows],
        [row.entropy_rank for row in rows],
        sum(bool(row.in_best_set) for row in rows),
        why_rank_is_shared(first, layers, reference),
    )
