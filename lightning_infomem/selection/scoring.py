"""Values and ranks by every criterion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.criteria import CRITERIA, MUTUAL_INFORMATION_AND_RANKME, Criterion

__all__ = ["Scores", "median_ranks", "oriented_values", "score_candidates"]

_ALWAYS = "nearest"  # the order of criteria whose direction does not depend on the kind of memorization

Floats = NDArray[np.float64]


class Scores(NamedTuple):
    """Scores of all candidates by every criterion.

    Attributes:
        values: For each candidate, criterion -> value; the mean over layers if each layer has one.
        ranks: For each candidate, criterion -> rank; 1 is best.
        missing: Criterion without any value -> what it needs.
    """

    values: list[dict[str, float]]
    ranks: list[dict[str, int]]
    missing: dict[str, str]


def score_candidates(
    candidates: Sequence[Candidate], layers: Sequence[str], order: str | None, reference: Candidate | None = None
) -> Scores:
    """Rank by every criterion that has values.

    Args:
        candidates: The checkpoints.
        layers: Names of the layers, which all of them have.
        order: What is better: a key of `direction.BETTER`. With None, only those criteria give ranks whose direction
            does not depend on the kind of memorization.
        reference: A checkpoint that generalises; required for the order "nearest".
    """
    values: list[dict[str, float]] = [{} for _ in candidates]
    ranks: list[dict[str, int]] = [{} for _ in candidates]
    missing: dict[str, str] = {}
    for criterion in CRITERIA:
        if criterion is MUTUAL_INFORMATION_AND_RANKME:
            continue  # made from ranks, not from values
        table = np.array([each.values(criterion.name, layers) for each in candidates]).T
        for scores, column in zip(values, table.T, strict=True):
            if np.isfinite(column).any():
                scores[criterion.name] = float(column[np.isfinite(column)].mean())
        if not np.isfinite(table).any():
            missing[criterion.name] = criterion.needs
        oriented, known = oriented_values(candidates, layers, criterion, order, reference)
        if oriented is not None:
            for index, rank in zip(np.flatnonzero(known), median_ranks(-oriented), strict=True):
                ranks[index][criterion.name] = int(rank)
    if all({"mutual_information", "rankme"} <= by_name.keys() for by_name in ranks):
        sums = rankdata([by_name["mutual_information"] + by_name["rankme"] for by_name in ranks], method="min")
        for by_name, place in zip(ranks, sums, strict=True):
            by_name[MUTUAL_INFORMATION_AND_RANKME.name] = int(place)
    return Scores(values, ranks, missing)


def oriented_values(
    candidates: Sequence[Candidate],
    layers: Sequence[str],
    criterion: Criterion,
    order: str | None,
    reference: Candidate | None = None,
) -> tuple[Floats | None, NDArray[np.bool_]]:
    """Return the values of a criterion so that higher is better.

    Args:
        candidates: The checkpoints.
        layers: Names of the layers, which all of them have.
        criterion: The criterion.
        order: See `score_candidates`.
        reference: See `score_candidates`.

    Returns:
        ``[layers, known checkpoints]``, or ``[1, known checkpoints]`` for a criterion without layers; None if it gives
        no order. Which checkpoints are known, ``[checkpoints]``: a layer in which a value is missing does not count,
        and a criterion without layers orders the checkpoints that have it.
    """
    table = np.array([each.values(criterion.name, layers) for each in candidates]).T
    has_all = np.isfinite(table).all(axis=1)
    known = np.isfinite(table).all(axis=0) if len(table) == 1 else np.full(len(candidates), has_all.any())
    if not known.any():
        return None, known
    table = table[:, known] if len(table) == 1 else table[has_all]
    direction = criterion.better.get(order or _ALWAYS)
    if direction is not None:
        return (table if direction == "high" else -table), known
    if order is None or reference is None:
        return None, known
    target = np.array(reference.values(criterion.name, layers))
    if len(target) == len(has_all) > 1:
        target = target[has_all]
    if len(target) != len(table) or not np.isfinite(target).all():
        return None, known
    return -np.abs(table - target[:, None]), known


def median_ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank within each layer, then by the median of these ranks; values of different layers are never pooled.

    Args:
        values: Finite values, ``[layers, checkpoints]`` or ``[layers, checkpoints, draws]``; lower is better.

    Returns:
        Ranks from 1, ``[checkpoints]`` or ``[checkpoints, draws]``. The mean rank breaks ties of the median, and
        checkpoints that are still tied share the smaller rank ("1, 2, 2, 4").

    >>> median_ranks(np.array([[0.3, 0.1, 0.2], [0.9, 0.5, 0.7], [2.0, 3.0, 2.5]])).tolist()
    [3, 1, 2]
    """
    ranks = rankdata(values, axis=1)  # equal values share the average of their ranks
    # The mean rank, at most the number of checkpoints, decides only where medians (in steps of 1/4) are equal.
    order = np.median(ranks, axis=0) + ranks.mean(axis=0) / (8 * values.shape[1])
    return np.asarray(rankdata(order.round(9), axis=0, method="min"), dtype=np.int64, order="C")
