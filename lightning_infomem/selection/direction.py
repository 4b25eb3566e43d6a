"""The direction of a ranking: the kind of memorization to expect, given or inferred from a reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from lightning_infomem.selection.candidates import Candidate

__all__ = ["BETTER", "KINDS", "choose_direction", "kind_of"]

KINDS = ("heuristic", "example")

# What is better under each kind of memorization, or next to a reference, whatever the kind.
BETTER = {
    "heuristic": "low mutual information and high entropy are better",
    "example": "high mutual information and low entropy are better",
    "nearest": "the nearer to the reference the better",
}

_CERTAIN = 1.645  # standard errors; beyond them, a difference in this direction has p < .05
_SHARE = 2 / 3
_MINORITY = 1 / 20


def choose_direction(
    memorization: str | None, candidates: Sequence[Candidate], reference: Candidate | None
) -> tuple[str | None, str]:
    """Choose the kind of memorization, given or inferred from a checkpoint that is known to generalise.

    Only a given kind decides the direction. With a reference, checkpoints are ranked by their nearness to it: that
    holds for both kinds, also if both occur in one zoo, or if a weak shortcut first lowers mutual information and a
    strong one raises it.

    Each checkpoint that differs significantly from the reference has one vote; see `kind_of`. If both sides have two
    votes or more, and a twentieth of all, the kind is mixed. Otherwise two thirds of the votes decide.

    Args:
        memorization: The kind, if it is given.
        candidates: The checkpoints.
        reference: The checkpoint that is known to generalise.

    Returns:
        The kind, which is "heuristic", "example", "mixed" or None; and a sentence that explains it, or says why there
        is none and what to do.
    """
    if memorization is not None:
        return memorization, f"{memorization} memorization was given"
    if reference is None:
        return None, (
            "the kind of memorization is not known, and it decides the direction: shortcuts raise mutual information, "
            "stored examples lower it; give memorization='heuristic' or 'example', or a reference that generalises."
        )
    votes = [kind_of(candidate, reference) for candidate in candidates]
    above, below = votes.count("heuristic"), votes.count("example")
    counts = (
        f"{above} of {len(votes)} checkpoints have more mutual information than the reference, {below} have less, "
        f"{len(votes) - above - below} about the same"
    )
    unknown = "the reference does not indicate the kind of memorization"
    if above + below == 0:
        return None, f"{unknown}: no checkpoint differs from it ({counts})."
    if min(above, below) >= max(2, _MINORITY * (above + below)):
        kind = "mixed"
    elif max(above, below) >= _SHARE * (above + below):
        kind = "heuristic" if above > below else "example"
    else:
        return None, f"{unknown}: less than two thirds agree ({counts})."
    return kind, f"the reference indicates {kind} memorization: {counts}"


def kind_of(candidate: Candidate, reference: Candidate) -> str | None:
    """Infer the kind of memorization of one checkpoint from its distance to a reference, the median over layers.

    Shortcuts make units copies of one another and raise their mutual information; storing single examples lowers it.

    Returns:
        "heuristic" or "example" if the distance exceeds 1.645 standard errors (over units), else None.
    """
    distances = [_distance(candidate, reference, name) for name in candidate.layers if name in reference.layers]
    distance = median(distances) if distances else 0.0
    if abs(distance) < _CERTAIN:
        return None
    return "heuristic" if distance > 0 else "example"


def _distance(candidate: Candidate, reference: Candidate, name: str) -> float:
    """Return the distance in standard errors; if the error is zero (units all alike), any difference is infinite."""
    one, other = candidate.layers[name], reference.layers[name]
    difference = one.mutual_information - other.mutual_information
    error = math.hypot(one.standard_error, other.standard_error)
    if difference == 0 or math.isnan(error):
        return 0.0
    return math.copysign(math.inf, difference) if error == 0 else difference / error
