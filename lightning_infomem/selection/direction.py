"""Which way round to rank: the kind of memorization to expect, told or found by a reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from lightning_infomem.selection.candidates import Candidate

__all__ = ["BETTER", "KINDS", "Verdict", "choose_direction", "kind_of"]

KINDS = ("heuristic", "example")

# What is better: under each kind of memorization, where it is told; and given a reference, whatever the kind.
BETTER = {
    "heuristic": "low mutual information and high entropy are better",
    "example": "high mutual information and low entropy are better",
    "nearest": "the nearer to the reference the better",
}

_CERTAIN = 1.645  # standard errors: beyond, a difference in this direction has p < .05
_SHARE = 2 / 3
_MINORITY = 1 / 20


class Verdict(NamedTuple):
    """A kind of memorization, and where it comes from.

    Attributes:
        kind: "heuristic", "example", "mixed" (both are found), or None.
        evidence: a sentence: what tells the kind, or why there is none and what to do.
    """

    kind: str | None
    evidence: str


def choose_direction(memorization: str | None, candidates: Sequence[Candidate], reference: Candidate | None) -> Verdict:
    """Name the kind of memorization, told or inferred from a checkpoint that is known to generalise.

    Only a kind that is told decides the direction. Given a reference, checkpoints are ranked by their nearness to it:
    that holds for both kinds, also where they meet in one zoo, and where a weak shortcut first lowers mutual
    information and a strong one raises it.

    Each checkpoint that differs from the reference beyond doubt has one vote; see `kind_of`. Where both sides have two
    votes, and a twentieth of all, it is a mixture. Elsewhere two thirds of the votes make a kind.

    Args:
        memorization: the kind, where it is told.
        candidates: the checkpoints.
        reference: the checkpoint known to generalise.
    """
    if memorization is not None:
        return Verdict(memorization, f"{memorization} memorization was told")
    if reference is None:
        return Verdict(
            None,
            "the kind of memorization is not known, and it decides the direction: shortcuts raise mutual information, "
            "stored examples lower it; give memorization='heuristic' or 'example', or a reference that generalises.",
        )
    votes = [kind_of(candidate, reference) for candidate in candidates]
    above, below = votes.count("heuristic"), votes.count("example")
    told = (
        f"{above} of {len(votes)} checkpoints have more mutual information than the reference, {below} have less, "
        f"{len(votes) - above - below} about the same"
    )
    if above + below == 0:
        return Verdict(
            None, f"the reference does not tell the kind of memorization: no checkpoint differs from it ({told})."
        )
    if min(above, below) >= max(2, _MINORITY * (above + below)):
        kind = "mixed"
    elif max(above, below) >= _SHARE * (above + below):
        kind = "heuristic" if above > below else "example"
    else:
        return Verdict(
            None, f"the reference does not tell the kind of memorization: less than two thirds agree ({told})."
        )
    return Verdict(kind, f"the reference tells {kind} memorization: {told}")


def kind_of(candidate: Candidate, reference: Candidate) -> str | None:
    """The kind of memorization of one checkpoint, by the median over layers of its distance to a reference.

    Shortcuts make units copies of one another and raise their mutual information; storing single examples lowers it.

    Returns:
        "heuristic" or "example" where the distance is beyond 1.645 standard errors (over units), else None.
    """
    distances = [_distance(candidate, reference, name) for name in candidate.layers if name in reference.layers]
    distance = median(distances) if distances else 0.0
    if abs(distance) < _CERTAIN:
        return None
    return "heuristic" if distance > 0 else "example"


def _distance(candidate: Candidate, reference: Candidate, name: str) -> float:
    """In standard errors; without any error (few units, all alike) every difference is beyond doubt."""
    one, other = candidate.layers[name], reference.layers[name]
    difference = one.mutual_information - other.mutual_information
    error = math.hypot(one.standard_error, other.standard_error)
    if difference == 0 or math.isnan(error):
        return 0.0
    return math.copysign(math.inf, difference) if error == 0 else difference / error
