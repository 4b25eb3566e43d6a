"""Ranks by every criterion, and how sure those by mutual information are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.criteria import CONSENSUS, CRITERIA, MUTUAL_INFORMATION, Criterion
from lightning_infomem.selection.ordering import median_ranks
from lightning_infomem.selection.uncertainty import LEVEL, RankUncertainty, draw_means, rank_uncertainty, ranks_of_draws

__all__ = ["Scores", "Standing", "score_candidates", "stand"]

Floats = NDArray[np.float64]


class Scores(NamedTuple):
    """Of all candidates, by every criterion.

    Attributes:
        values: of each candidate criterion -> value, the mean over layers where there is one a layer.
        ranks: of each candidate criterion -> rank, 1 is best.
        missing: criterion -> what would be needed.
    """

    values: list[dict[str, float]]
    ranks: list[dict[str, int]]
    missing: dict[str, str]


class Standing(NamedTuple):
    """Of candidates, or groups of them, by mutual information.

    Attributes:
        information: ``[entries]``, mean over layers, nats.
        interval: ``[entries, 2]`` of the same, over units.
        reseed_interval: ``[entries, 2]``, where the same training with another seed is expected to end. Both ends
            differ from seed to seed, hence sqrt(2) as wide, and the layers of one network move together.
        ranks: ``[entries]``; None where there is no direction.
        uncertainty: of the ranks; None where there is no direction.
    """

    information: Floats
    interval: Floats
    reseed_interval: Floats
    ranks: NDArray[np.int64] | None
    uncertainty: RankUncertainty | None


def score_candidates(
    candidates: Sequence[Candidate], layers: Sequence[str], order: str | None, reference: Candidate | None
) -> Scores:
    """Rank by every criterion for which there are values; without an order only the values are given.

    Args:
        candidates: to be ranked.
        layers: names of those that all of them have.
        order: what is better: a key of `direction.BETTER`, or None.
        reference: required for the order "nearest".
    """
    values: list[dict[str, float]] = [{} for _ in candidates]
    ranks: list[dict[str, int]] = [{} for _ in candidates]
    missing: dict[str, str] = {}
    for criterion in CRITERIA:
        if criterion is CONSENSUS:
            continue  # of ranks, not of values
        table = np.array([each.values(criterion.name, layers) for each in candidates]).T
        for own, column in zip(values, table.T, strict=True):
            if np.isfinite(column).any():
                own[criterion.name] = float(column[np.isfinite(column)].mean())
        has_all = np.isfinite(table).all(axis=1)
        if not np.isfinite(table).any():
            missing[criterion.name] = criterion.needs
        # A layer in which a value is lacking has no vote; a criterion without layers ranks those that have it.
        known = np.isfinite(table).all(axis=0) if len(table) == 1 else np.full(len(candidates), has_all.any())
        if order is None or not known.any():
            continue
        table = table[:, known] if len(table) == 1 else table[has_all]
        target = None if reference is None else np.array(reference.values(criterion.name, layers))
        if target is not None and len(target) == len(has_all) > 1:
            target = target[has_all]
        oriented = _oriented(table, criterion, order, target)
        if oriented is not None:
            for index, rank in zip(np.flatnonzero(known), median_ranks(oriented), strict=True):
                ranks[index][criterion.name] = int(rank)
    if all("rankme" in own for own in ranks):
        sums = rankdata([own["mutual_information"] + own["rankme"] for own in ranks], method="min")
        for by_name, place in zip(ranks, sums, strict=True):
            by_name[CONSENSUS.name] = int(place)
    return Scores(values, ranks, missing)


def stand(
    candidates: Sequence[Candidate],
    layers: Sequence[str],
    order: str | None,
    reference: Candidate | None,
    *,
    members: Sequence[int] | None = None,
    seed: int = 0,
) -> Standing:
    """Where candidates stand by mutual information, with bootstrap intervals of values and ranks.

    Args:
        candidates: to be ranked.
        layers: names of those that all of them have.
        order: what is better: a key of `direction.BETTER`; None gives values and intervals only.
        reference: required for the order "nearest".
        members: of each candidate the number of its group: groups are ranked then.
        seed: of the draws.
    """
    values = np.array([[each.layers[name].mutual_information for each in candidates] for name in layers])
    if members is not None:
        groups = np.asarray(members)
        values = np.stack([values[:, groups == group].mean(axis=1) for group in range(groups.max() + 1)], axis=1)
    draws = np.stack(
        [
            draw_means([each.layers[name].unit_information for each in candidates], members, order=2, seed=seed + place)
            for place, name in enumerate(layers)
        ]
    )
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    information, interval = values.mean(axis=0), np.quantile(draws.mean(axis=0), tails, axis=1).T
    low, high = np.quantile(draws, tails, axis=2)
    reseeded = information + np.sqrt(2) * np.array([(low - values).mean(axis=0), (high - values).mean(axis=0)])
    if order is None:
        return Standing(information, interval, reseeded.T, None, None)
    target = None if reference is None else np.array([reference.layers[name].mutual_information for name in layers])
    oriented = _oriented(values, MUTUAL_INFORMATION, order, target)
    oriented_draws = _oriented(draws, MUTUAL_INFORMATION, order, target)
    assert oriented is not None
    assert oriented_draws is not None
    ranks = median_ranks(oriented)
    best = int(np.argmin(ranks))
    return Standing(information, interval, reseeded.T, ranks, rank_uncertainty(ranks_of_draws(oriented_draws), best))


def _oriented(values: Floats, criterion: Criterion, order: str, target: Floats | None) -> Floats | None:
    """So that lower is better: ``[layers, ...]``; None where that takes a value of the reference that is not known."""
    better: Mapping[str, str] = criterion.better
    if order in better:
        return values if better[order] == "low" else -values
    if target is None or len(target) != len(values) or not all(map(math.isfinite, target)):
        return None
    return np.abs(values - target.reshape(-1, *[1] * (values.ndim - 1)))
