"""Criteria of predictions, of checkpoints whose accuracies are known."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from lightning_infomem.selection.vote_scores import input_weights, score_votes, terms_of_votes
from tests.selection.voters import make_votes

ACCURACIES = (0.5, 0.9, 0.7, 0.8, 0.6)
OF_LABELS = {"labelled_accuracy", "average_thresholded_confidence", "temperature_scaled_confidence"}


def test_without_labels_or_reference_the_criteria_of_the_votes_alone_are_there():
    votes, _ = make_votes(ACCURACIES)
    scores = score_votes(votes, terms_of_votes(votes))
    assert set(scores[0]) == {"consensus_accuracy", "confusion_consensus", "soft_vote_agreement", "pairwise_agreement"}
    for name in scores[0]:
        assert max(range(5), key=lambda place: scores[place][name]) == 1


def test_a_reference_neighbours_and_labels_add_theirs():
    votes, truth = make_votes(ACCURACIES)
    votes = dataclasses.replace(votes, reference=truth, neighbor_labels=truth[:, None].repeat(1, 5), labels=truth)
    scores = score_votes(votes, terms_of_votes(votes))
    assert set(scores[0]) >= {"reference_agreement", "neighbor_agreement", *OF_LABELS}
    for classes, found in zip(votes.classes, scores, strict=True):
        accuracy = (classes == truth).double().mean().item()
        for name in ("reference_agreement", "neighbor_agreement", "labelled_accuracy", "consensus_accuracy"):
            assert found[name] == pytest.approx(accuracy)


def test_labels_count_more_in_the_consensus_and_nowhere_else():
    votes, truth = make_votes(ACCURACIES)
    few = dataclasses.replace(votes, labels=torch.where(torch.arange(600) < 3, truth, -1))
    weights = input_weights(few, "consensus_accuracy")
    assert (weights[:3] > 1).all()
    assert (weights[3:] == 1).all()
    assert (input_weights(few, "neighbor_agreement") == 1).all()


def test_unknown_predictions_are_left_out():
    votes, truth = make_votes(ACCURACIES, unknown=0.2)
    votes = dataclasses.replace(votes, labels=truth)
    known = votes.classes[1] >= 0
    expected = (votes.classes[1] == truth)[known].double().mean().item()
    assert score_votes(votes, terms_of_votes(votes))[1]["labelled_accuracy"] == pytest.approx(expected)
