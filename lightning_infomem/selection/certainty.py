"""How certain a ranking is: the criterion is drawn again many times, and all checkpoints are ranked again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor

from lightning_infomem.selection.uncertainty import DRAWS, LEVEL

__all__ = ["POINT", "draw_layers", "draw_votes", "summarize_draws"]

POINT = 0.01  # a checkpoint so near to the best is as good

# The criteria that are drawn for one that leads, and of how many independent inputs the probe is worth then. Chosen on
# two replicates of the sweeps (`examples/choosing/results`), so that what is said with a probability happens as often.
# A consensus that nothing else confirms is worth least, because its errors are shared by the inputs.
_DRAWN = {
    "reference_agreement": (("reference_agreement", "consensus_accuracy"), 600),
    "neighbor_agreement": (("neighbor_agreement", "consensus_accuracy", "soft_vote_agreement"), 600),
    "consensus_accuracy": (("consensus_accuracy", "soft_vote_agreement"), 20),
}
_WITH_FEW_LABELS = (("consensus_accuracy", "soft_vote_agreement"), 80)
_OF_THE_SET = 0.95  # of the draws
# Of a measure of hidden layers, in standard deviations over checkpoints: sqrt(1 - r^2) of its rank correlation with
# clean accuracy was .2 to .9, .4 in the mean, for mutual information and RankMe on six zoos of levels.
_ERROR_OF_LAYERS = 0.4

Floats = NDArray[np.float64]


def draw_votes(
    terms: Mapping[str, Tensor], leader: str, weights: Tensor, *, num_labels: int = 0, seed: int = 0
) -> Floats:
    """Draw a criterion of predictions, and those beside which it is seen.

    Inputs get random weights, as in the Bayesian bootstrap, but so uneven as if there were fewer of them, because the
    inputs on which a criterion is wrong are wrong together. Beside agreement with a reference or with neighbours,
    others of the draws are of the consensus, so that certainty needs both to agree.

    Args:
        terms: Criterion -> its terms, float64 ``[checkpoints, inputs]``; see `terms_of_votes`.
        leader: The criterion that leads.
        weights: How much each input counts, float64 ``[inputs]``.
        num_labels: Number of inputs to whose labels a consensus is held.
        seed: Seed of a private generator.

    Returns:
        ``[checkpoints, DRAWS]``; higher is better.

    Reference:
        Rubin (1981), The Bayesian bootstrap, Annals of Statistics 9:130, with the concentration of the weights lowered.
    """
    generator = np.random.default_rng(seed)
    shares = weights.numpy() / weights.sum().item()
    drawn_for_it, effective = _drawn(leader, num_labels, len(shares))
    views = [name for name in drawn_for_it if name in terms]
    drawn = []
    for number, name in enumerate(views):
        count = DRAWS // len(views) + (number < DRAWS % len(views))
        # Random weights of a Dirichlet distribution, up to their sum.
        random = generator.gamma(effective * shares, size=(count, len(shares)))
        known = ~np.isnan(terms[name].numpy())
        values = np.where(known, terms[name].numpy(), 0.0)
        drawn.append((values @ random.T) / np.maximum(known @ random.T, np.finfo(float).tiny))
    return np.concatenate(drawn, axis=1)


def _drawn(leader: str, num_labels: int, num_inputs: int) -> tuple[tuple[str, ...], float]:
    """Return the criteria that are drawn for one that leads, and how many independent inputs they are worth.

    Labels are worth their number, as long as that is at most half of the inputs: the probe is a sample too.
    """
    if leader != "consensus_accuracy" or not num_labels:
        views, effective = _DRAWN[leader]
    elif num_labels < _WITH_FEW_LABELS[1]:
        views, effective = _WITH_FEW_LABELS
    else:
        return (leader,), min(num_labels, num_inputs / 2)
    return views, min(effective, num_inputs)


def draw_layers(values: Floats, *, seed: int = 0) -> Floats:
    """Draw a measure of hidden layers, with an error as large as it had on zoos with clean labels.

    Args:
        values: ``[layers, checkpoints]``.
        seed: Seed of a private generator.

    Returns:
        ``[layers, checkpoints, DRAWS]``. The error of a checkpoint is the same in all layers, in standard deviations
        over checkpoints.
    """
    noise = np.random.default_rng(seed).standard_normal((values.shape[1], DRAWS))
    spread: Floats = values.std(axis=1)[:, None, None]
    drawn: Floats = values[..., None] + _ERROR_OF_LAYERS * spread * noise
    return drawn


def summarize_draws(draws: Floats, chosen: int, *, tolerance: float = 0.0) -> dict[str, list[Any]]:
    """Summarize the draws of all checkpoints.

    Args:
        draws: Higher is better, ``[checkpoints, draws]``.
        chosen: Index of the checkpoint that leads the ranking.
        tolerance: How much worse than the best is as good.

    Returns:
        Fields of `RankedCheckpoint` -> one value per checkpoint: ``rank_interval``; ``probability_best``, the share of
        draws in which it is as good as the best; and ``in_best_set``, which holds the chosen one and as many as it
        takes, the likeliest first, that one of them leads in 95 % of the draws: in our zoos such a set holds the best
        in about four of five cases.
    """
    best = draws.max(axis=0)
    leads = draws == best
    chances = (leads / leads.sum(axis=0)).mean(axis=1)
    order = np.argsort(-chances, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(chances[order])[:-1]])
    in_set = np.zeros(len(draws), dtype=bool)
    in_set[order[before < _OF_THE_SET - 1e-9]] = True
    in_set[chosen] = True
    ranks = rankdata(-draws, axis=0, method="min")
    interval = np.quantile(ranks, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1, method="nearest").T
    return {
        "rank_interval": [tuple(ends) for ends in interval.astype(np.int64).tolist()],
        "probability_best": (draws >= best - tolerance).mean(axis=1).tolist() if tolerance else chances.tolist(),
        "in_best_set": in_set.tolist(),
    }
