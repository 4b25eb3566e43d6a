"""What a reader should know before trusting a ranking."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import kendalltau

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.result import RankedCheckpoint

__all__ = ["doubts_of_candidates", "doubts_of_ranks"]


def doubts_of_candidates(candidates: Sequence[Candidate], memorization: str | None) -> list[str]:
    """Doubts that the checkpoints themselves raise, one sentence each."""
    doubts = []
    if _look_like_one_run(candidates):
        doubts.append(
            "these look like epochs of one run: along a run the values are a trend, no verdict; "
            "compare with its last epoch and its validation metric"
        )
    if memorization == "example" and candidates[0].fingerprint.settings.get("value_range") != "network":
        doubts.append(
            "the direction of the entropy rank holds for value_range='network'; other ranges of the bins can turn it "
            "round under example-level memorization"
        )
    return doubts


def doubts_of_ranks(rows: Sequence[RankedCheckpoint]) -> list[str]:
    """Doubts that the ranks raise: a shared first rank, and measures that disagree."""
    doubts = []
    first = sum(row.rank == 1 for row in rows)
    if first > 1:
        doubts.append(f"{first} checkpoints share rank 1; .best is only the first of them by name")
    agreement = kendalltau([row.rank for row in rows], [row.entropy_rank for row in rows]).statistic
    if agreement < 0:  # NaN where all are tied
        doubts.append(
            f"entropy and mutual information disagree (tau-b {agreement:.2f}): look at both before you choose"
        )
    return doubts


def _look_like_one_run(candidates: Sequence[Candidate]) -> bool:
    """One folder, and every epoch once; copies of a checkpoint, as `last.ckpt` can be, do not count."""
    folders = {each.path.parent for each in candidates}
    moments = {(each.epoch, each.step, *each.mutual_information.values()) for each in candidates}
    epochs = [moment[0] for moment in moments]
    return len(folders) == 1 and None not in epochs and 1 < len(epochs) == len(set(epochs))
