"""Ranks by every criterion, and the uncertainty of those by mutual information."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.criteria import CONSENSUS, CRITERIA, MUTUAL_INFORMATION, Criterion
from lightning_infomem.selection.uncertainty import LEVEL, draw_means, rank_uncertainty

__all__ = ["Scores", "bootstrap_ranks", "median_ranks", "score_candidates"]

_DRAWS_AT_ONCE = 100  # ranking a thousand checkpoints in all draws at once would take half a gigabyte

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
    """Rank by every criterion that has values; without an order, return the values only.

    Args:
        candidates: The checkpoints.
        layers: Names of the layers, which all of them have.
        order: What is better: a key of `direction.BETTER`, or None.
        reference: A checkpoint that generalises; required for the order "nearest".
    """
    values: list[dict[str, float]] = [{} for _ in candidates]
    ranks: list[dict[str, int]] = [{} for _ in candidates]
    missing: dict[str, str] = {}
    for criterion in CRITERIA:
        if criterion is CONSENSUS:
            continue  # made from ranks, not from values
        table = np.array([each.values(criterion.name, layers) for each in candidates]).T
        for scores, column in zip(values, table.T, strict=True):
            if np.isfinite(column).any():
                scores[criterion.name] = float(column[np.isfinite(column)].mean())
        has_all = np.isfinite(table).all(axis=1)
        if not np.isfinite(table).any():
            missing[criterion.name] = criterion.needs
        # A layer with a missing value has no vote; a criterion without layers ranks the checkpoints that have it.
        known = np.isfinite(table).all(axis=0) if len(table) == 1 else np.full(len(candidates), has_all.any())
        if order is None or not known.any():
            continue
        table = table[:, known] if len(table) == 1 else table[has_all]
        target = None if reference is None else np.array(reference.values(criterion.name, layers))
        if target is not None and len(target) == len(has_all) > 1:
            target = target[has_all]
        oriented = _orient(table, criterion, order, target)
        if oriented is not None:
            for index, rank in zip(np.flatnonzero(known), median_ranks(oriented), strict=True):
                ranks[index][criterion.name] = int(rank)
    if all("rankme" in by_name for by_name in ranks):
        sums = rankdata([by_name["mutual_information"] + by_name["rankme"] for by_name in ranks], method="min")
        for by_name, place in zip(ranks, sums, strict=True):
            by_name[CONSENSUS.name] = int(place)
    return Scores(values, ranks, missing)


def bootstrap_ranks(
    candidates: Sequence[Candidate],
    layers: Sequence[str],
    order: str | None,
    reference: Candidate | None = None,
    *,
    members: Sequence[int] | None = None,
) -> list[dict[str, Any]]:
    """Compute mutual information of candidates, or of groups of them, with bootstrap intervals of values and ranks.

    Args:
        candidates: The checkpoints.
        layers: Names of the layers, which all of them have.
        order: What is better: a key of `direction.BETTER`; with None, only values and intervals are returned.
        reference: A checkpoint that generalises; required for the order "nearest".
        members: Number of the group of each candidate. If given, groups are ranked.

    Returns:
        For each candidate or group, the fields of `RankedCheckpoint` that rest on the draws, and
        ``mutual_information``. ``reseed_interval`` is sqrt(2) times as wide as ``interval``, because both ends differ
        from seed to seed, and assumes that the layers of one network move together.
    """
    values = np.array([[each.layers[name].mutual_information for each in candidates] for name in layers])
    if members is not None:
        groups = np.asarray(members)
        values = np.stack([values[:, groups == group].mean(axis=1) for group in range(groups.max() + 1)], axis=1)
    draws = np.stack(
        [
            draw_means([each.layers[name].unit_information for each in candidates], members, seed=seed)
            for seed, name in enumerate(layers)
        ]
    )
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    information, interval = values.mean(axis=0), np.quantile(draws.mean(axis=0), tails, axis=1)
    low, high = np.quantile(draws, tails, axis=2)
    reseeded = information + np.sqrt(2) * np.array([(low - values).mean(axis=0), (high - values).mean(axis=0)])
    columns: dict[str, Any] = {
        "mutual_information": information.tolist(),
        "interval": zip(*interval.tolist(), strict=True),
        "reseed_interval": zip(*reseeded.tolist(), strict=True),
    }
    if order is not None:
        target = None if reference is None else np.array([reference.layers[name].mutual_information for name in layers])
        oriented, oriented_draws = (_orient(each, MUTUAL_INFORMATION, order, target) for each in (values, draws))
        assert oriented is not None
        assert oriented_draws is not None
        ranks = median_ranks(oriented)
        starts = range(0, oriented_draws.shape[2], _DRAWS_AT_ONCE)
        drawn_ranks = [median_ranks(oriented_draws[:, :, start : start + _DRAWS_AT_ONCE]) for start in starts]
        columns["rank"] = ranks.tolist()
        columns |= rank_uncertainty(np.concatenate(drawn_ranks, axis=1), int(np.argmin(ranks)))
    return [dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)]


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


def _orient(values: Floats, criterion: Criterion, order: str, target: Floats | None) -> Floats | None:
    """Turn values so that lower is better, ``[layers, ...]``; None if that needs an unknown value of the reference."""
    if order in criterion.better:
        return values if criterion.better[order] == "low" else -values
    if target is None or len(target) != len(values) or not np.isfinite(target).all():
        return None
    return np.abs(values - target.reshape(-1, *[1] * (values.ndim - 1)))
