"""Criteria that compare the predictions of checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lightning_infomem.functional.average_thresholded_confidence import average_thresholded_confidence
from lightning_infomem.functional.consensus_accuracy import expected_accuracy
from lightning_infomem.functional.dawid_skene import dawid_skene
from lightning_infomem.functional.neighbor_agreement import neighbor_agreement
from lightning_infomem.functional.temperature_scaled_confidence import temperature_scaled_confidence
from lightning_infomem.functional.vote_agreement import (
    pairwise_agreement,
    reference_agreement,
    soft_vote_agreement,
)
from lightning_infomem.selection.criteria import CONSENSUS_ACCURACY
from lightning_infomem.selection.votes import Votes

__all__ = ["LABEL_WEIGHT", "input_weights", "score_votes", "terms_of_votes"]

# Chosen on the first replicate of the sweeps (`examples/choosing/results`): a label tells as much of a checkpoint's
# accuracy as so many unlabelled inputs, on which checkpoints err together. The model of the votes counts it once,
# because it would be fitted to disputed inputs otherwise.
LABEL_WEIGHT = 50.0


def terms_of_votes(votes: Votes) -> dict[str, Tensor]:
    """Compute the criteria that are means over inputs.

    Args:
        votes: The predictions of at least two checkpoints.

    Returns:
        Name of the criterion -> its terms, float64 ``[checkpoints, inputs]``, NaN where a term is left out. Criteria
        without what they need are missing; see `CRITERIA`.
    """
    classes, num_classes = votes.classes, votes.num_classes
    labels = votes.labels if votes.num_labels else None
    coins = dawid_skene(classes, num_classes, labels=labels)
    matrices = dawid_skene(classes, num_classes, model="confusion", labels=labels)
    terms = {
        "consensus_accuracy": expected_accuracy(classes, coins, per_input=True),
        "confusion_consensus": expected_accuracy(classes, matrices, per_input=True),
        "soft_vote_agreement": soft_vote_agreement(classes, votes.confidence, num_classes, per_input=True),
    }
    if votes.reference is not None:
        terms["reference_agreement"] = reference_agreement(classes, votes.reference, per_input=True)
    if votes.neighbor_labels is not None:
        terms["neighbor_agreement"] = neighbor_agreement(classes, votes.neighbor_labels, per_input=True)
    if labels is not None:
        terms["labelled_accuracy"] = reference_agreement(classes, labels, per_input=True)
    return terms


def input_weights(votes: Votes, leader: str | None) -> Tensor:
    """Return how much each input counts in the mean of a criterion, float64 ``[inputs]``.

    Labelled inputs count more in the consensus, which is held to their labels.
    """
    is_held = leader == CONSENSUS_ACCURACY.name
    return torch.where((votes.labels >= 0) & is_held, LABEL_WEIGHT, 1.0).double()


def score_votes(votes: Votes, terms: Mapping[str, Tensor]) -> list[dict[str, float]]:
    """Compute every criterion of predictions.

    Args:
        votes: The predictions.
        terms: Those of `terms_of_votes`.

    Returns:
        For each checkpoint, criterion -> value.
    """
    columns = {}
    for name, each in terms.items():
        weights = input_weights(votes, name).masked_fill(each.isnan(), 0.0)
        # Checkpoints that predict the same differ by rounding only, and are tied.
        columns[name] = ((weights * each.nan_to_num(0.0)).sum(1) / weights.sum(1)).round(decimals=9)
    columns["pairwise_agreement"] = pairwise_agreement(votes.classes)
    if votes.num_labels:
        for name, estimate in (
            ("average_thresholded_confidence", average_thresholded_confidence),
            ("temperature_scaled_confidence", temperature_scaled_confidence),
        ):
            columns[name] = _of_each(votes, estimate)
    names = list(columns)
    return [dict(zip(names, line, strict=True)) for line in torch.stack(list(columns.values()), dim=1).tolist()]


def _of_each(votes: Votes, estimate: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
    """Estimate the accuracy of each checkpoint from its confidence and the labels; NaN without finite outputs."""
    values = []
    for classes, log_odds in zip(votes.classes, votes.log_odds, strict=True):
        known = (classes >= 0) & log_odds.isfinite()
        labelled = (votes.labels[known] >= 0).nonzero()[:, 0]
        correct = (classes == votes.labels)[known][labelled]
        is_possible = len(labelled) > 0
        values.append(float(estimate(log_odds[known], labelled, correct)) if is_possible else torch.nan)
    return torch.tensor(values, dtype=torch.float64)
