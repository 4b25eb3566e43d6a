"""Which way round to rank: the kind of memorization to expect, told or found by a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["BETTER", "KINDS", "choose_direction"]

KINDS = ("heuristic", "example")

# What each kind of memorization makes of the better checkpoint.
BETTER = {
    "heuristic": "low mutual information and high entropy are better",
    "example": "high mutual information and low entropy are better",
}


def choose_direction(
    memorization: str | None,
    candidates: Sequence[Mapping[str, float]],
    reference: Mapping[str, float] | None,
) -> tuple[str | None, str]:
    """Name the kind of memorization, told or inferred from a checkpoint that is known to generalise.

    Shortcuts make units copies of one another and raise their mutual information; storing single examples lowers it.
    Each checkpoint has one vote, the median over its layers of the sign of the difference to the reference.

    Args:
        memorization: the kind, where it is told.
        candidates: of each checkpoint the mean mutual information per layer.
        reference: the same of the checkpoint known to generalise.

    Returns:
        "heuristic" or "example", and a sentence that says where it comes from; or None, and a sentence that says why
        there is no direction: nothing was told, or fewer than two thirds of the checkpoints that differ from the
        reference agree.
    """
    if memorization is not None:
        return memorization, f"{memorization} memorization was told"
    if reference is None:
        return None, (
            "the kind of memorization is not known, and it decides the direction: shortcuts raise mutual information, "
            "stored examples lower it; give memorization='heuristic' or 'example', or a reference that generalises."
        )
    votes = [_vote(candidate, reference) for candidate in candidates]
    above, below = sum(vote > 0 for vote in votes), sum(vote < 0 for vote in votes)
    told = f"{above} of {len(votes)} checkpoints have more mutual information than the reference, {below} have less"
    if above + below == 0:
        return None, f"the reference does not tell the kind of memorization: no checkpoint differs from it ({told})."
    if 3 * max(above, below) < 2 * (above + below):
        return None, f"the reference does not tell the kind of memorization: less than two thirds agree ({told})."
    kind = "heuristic" if above > below else "example"
    return kind, f"the reference tells {kind} memorization: {told}"


def _vote(candidate: Mapping[str, float], reference: Mapping[str, float]) -> float:
    signs = [np.sign(candidate[name] - reference[name]) for name in candidate if name in reference]
    return float(np.median(signs)) if signs else 0.0
