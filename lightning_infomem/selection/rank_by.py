"""Ranks by the criterion that leads, with their certainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.certainty import POINT, draw_layers, draw_votes, summarize_draws
from lightning_infomem.selection.criteria import CRITERIA
from lightning_infomem.selection.scoring import median_ranks, oriented_values
from lightning_infomem.selection.uncertainty import DRAWS, LEVEL

__all__ = ["rank_by"]

_PARTS = 10
_DECIMALS = 9
_BY_NAME = {criterion.name: criterion for criterion in CRITERIA}

Floats = NDArray[np.float64]


def rank_by(
    leader: str,
    candidates: Sequence[Candidate],
    layers: Sequence[str],
    *,
    order: str | None = None,
    reference: Candidate | None = None,
    terms: Mapping[str, Tensor] | None = None,
    weights: Tensor | None = None,
    num_labels: int = 0,
    underfit: Sequence[bool | None] = (),
    members: Sequence[int] | None = None,
) -> list[dict[str, Any]]:
    """Rank checkpoints, or groups of them, by one criterion.

    Args:
        leader: Name of the criterion.
        candidates: The checkpoints.
        layers: Names of the layers, which all of them have.
        order: See `score_candidates`.
        reference: See `score_candidates`.
        terms: Criteria of predictions -> their terms; see `terms_of_votes`.
        weights: How much each input counts in them, ``[inputs]``.
        num_labels: Number of inputs to whose labels a consensus is held.
        underfit: Which networks were hardly trained; by a measure of hidden layers they come last.
        members: Number of the group of each checkpoint. If given, groups are ranked by the means over their members,
            and of a group with several these are drawn with replacement.

    Returns:
        For each checkpoint or group, the fields ``score``, ``score_interval``, ``rank``, ``rank_interval``,
        ``probability_best`` and ``in_best_set`` of `RankedCheckpoint`.
    """
    if terms is not None and leader in terms:
        assert weights is not None
        # Checkpoints that predict the same differ by rounding only, and are tied.
        draws = _grouped_draws(draw_votes(terms, leader, weights, num_labels=num_labels)[None], members)[0].round(
            _DECIMALS
        )
        scores = _grouped(_weighted_mean(terms[leader].numpy(), weights.numpy())[None], members)[0].round(_DECIMALS)
        own = _grouped_draws(
            draw_votes({leader: terms[leader]}, leader, weights, num_labels=num_labels)[None], members
        )[0]
        ranks = median_ranks(-scores[None])
        chances = summarize_draws(draws, int(np.argmin(ranks)), tolerance=POINT)
    else:
        values, _ = oriented_values(candidates, layers, _BY_NAME[leader], order, reference)
        assert values is not None
        last = np.array([len(candidates) if each else 0 for each in underfit] or [0] * len(candidates), dtype=float)
        if members is not None:
            last = _grouped(last[None], members)[0]
        drawn = _grouped_draws(draw_layers(values), members)
        ranks = median_ranks(median_ranks(-_grouped(values, members))[None] + last)
        draws = -(np.concatenate([median_ranks(-each) for each in _parts(drawn)], axis=1) + last[:, None])
        scores = _grouped(np.array([each.values(leader, layers) for each in candidates]).T, members).mean(axis=0)
        own = np.repeat(scores[:, None], 2, axis=1)
        chances = summarize_draws(draws, int(np.argmin(ranks)))
    low, high = np.quantile(own, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    columns: dict[str, Any] = {
        "score": scores.tolist(),
        "score_interval": zip(low.tolist(), high.tolist(), strict=True),
        "rank": ranks.tolist(),
        **chances,
    }
    return [dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)]


def _parts(draws: Floats) -> list[Floats]:
    """Split draws, because ranking a thousand checkpoints in all of them at once would take half a gigabyte."""
    return np.array_split(draws, _PARTS, axis=2)


def _weighted_mean(terms: Floats, weights: Floats) -> Floats:
    """Return the mean of each row over its known terms."""
    known = ~np.isnan(terms)
    return np.asarray(np.where(known, terms, 0.0) @ weights / np.maximum(known @ weights, np.finfo(float).tiny))


def _grouped(values: Floats, members: Sequence[int] | None) -> Floats:
    """Return the means of groups, ``[..., groups]``, of values ``[..., checkpoints]``."""
    if members is None:
        return values
    groups = np.asarray(members)
    return np.stack([values[..., groups == group].mean(axis=-1) for group in range(groups.max() + 1)], axis=-1)


def _grouped_draws(draws: Floats, members: Sequence[int] | None) -> Floats:
    """Return draws of groups, ``[..., groups, DRAWS]``, whose members are drawn with replacement."""
    if members is None:
        return draws
    groups, generator = np.asarray(members), np.random.default_rng(1)
    found = []
    for group in range(groups.max() + 1):
        of_group = draws[..., groups == group, :]
        size = of_group.shape[-2]
        shares = generator.multinomial(size, np.full(size, 1 / size), size=DRAWS).T / size
        found.append((of_group * shares).sum(axis=-2))
    return np.stack(found, axis=-2)
