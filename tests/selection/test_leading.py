"""Which criterion leads, row by row of the decision."""

from __future__ import annotations

import pytest
import torch

from lightning_infomem.records.training_neighbors import TrainingNeighbors
from lightning_infomem.selection.leading import choose_leader
from lightning_infomem.selection.recipes import RecipeDifference

ONE, SEVERAL = RecipeDifference({}, (), True), RecipeDifference({"lr": [1, 2]}, ("lr",), True)
LAYERS = ("mutual_information", "entropy", "rankme")
VOTES = ("consensus_accuracy", "pairwise_agreement")


def _neighbors(accuracy):
    return TrainingNeighbors(torch.arange(1), torch.zeros(1, 5), 100, accuracy, 0.01, 0.25, "")


def _leader(*known, recipes=ONE, num_checkpoints=5, **given):
    why_no_votes = "" if VOTES[0] in known else "there are none"
    why = choose_leader(known, recipes=recipes, num_checkpoints=num_checkpoints, why_no_votes=why_no_votes, **given)
    assert all(each.because for each in why)
    found = [each.criterion for each in why if each.leads]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("known", "given", "leader"),
    [
        ((*LAYERS, *VOTES, "reference_agreement"), {"has_reference": True}, "reference_agreement"),
        ((*LAYERS, *VOTES, "reference_agreement"), {"has_reference": True, "num_labels": 9}, "reference_agreement"),
        ((*LAYERS, *VOTES), {"has_reference": True}, "mutual_information"),
        (LAYERS, {"has_reference": True}, "mutual_information"),
        ((*LAYERS, *VOTES), {"num_labels": 9, "memorization": "heuristic"}, "consensus_accuracy"),
        ((*LAYERS, *VOTES), {"memorization": "example"}, "consensus_accuracy"),
        (LAYERS, {"memorization": "example"}, "mutual_information"),
        ((*LAYERS, *VOTES), {"memorization": "heuristic"}, "rankme"),
        (("mutual_information",), {"memorization": "heuristic"}, "mutual_information"),
        ((*LAYERS, *VOTES, "neighbor_agreement"), {"neighbors": _neighbors(0.9)}, "neighbor_agreement"),
        ((*LAYERS, *VOTES, "neighbor_agreement"), {"neighbors": _neighbors(0.33)}, "neighbor_agreement"),
        ((*LAYERS, *VOTES, "neighbor_agreement"), {"neighbors": _neighbors(0.32)}, "consensus_accuracy"),
        ((*LAYERS, *VOTES, "neighbor_agreement"), {"neighbors": _neighbors(0.25)}, "consensus_accuracy"),
        ((*LAYERS, *VOTES, "neighbor_agreement"), {"neighbors": _neighbors(0.9), "num_labels": 9}, VOTES[0]),
        (LAYERS, {"neighbors": _neighbors(0.9)}, None),
        ((*LAYERS, *VOTES), {}, "consensus_accuracy"),
        (LAYERS, {}, None),
    ],
)
def test_one_criterion_leads_by_what_is_known(known, given, leader):
    assert _leader(*known, **given) == leader


def test_across_recipes_no_measure_of_hidden_layers_leads_by_a_kind():
    assert _leader(*LAYERS, *VOTES, recipes=SEVERAL, memorization="example") == "consensus_accuracy"
    assert _leader(*LAYERS, recipes=SEVERAL, memorization="example") is None
    # Majorities, and training labels, follow shortcuts.
    everything = (*LAYERS, *VOTES, "neighbor_agreement")
    assert _leader(*everything, recipes=SEVERAL, memorization="heuristic", neighbors=_neighbors(0.9)) is None


@pytest.mark.parametrize(
    ("given", "leader"),
    [
        ({}, None),
        ({"memorization": "example"}, "mutual_information"),
        ({"memorization": "heuristic"}, "rankme"),
        ({"num_labels": 1}, "consensus_accuracy"),
        ({"neighbors": _neighbors(0.9)}, "neighbor_agreement"),
        ({"has_reference": True}, "reference_agreement"),
    ],
)
def test_two_checkpoints_make_no_consensus_of_their_own(given, leader):
    everything = (*LAYERS, *VOTES, "neighbor_agreement", "reference_agreement")
    assert _leader(*everything, num_checkpoints=2, **given) == leader
    [why] = choose_leader(VOTES, recipes=ONE, num_checkpoints=2)
    assert why.because == "a consensus needs 3 checkpoints or more, got 2"


def test_a_checkpoint_without_finite_predictions_is_the_reason_that_is_given():
    for given in ({}, {"num_labels": 3}, {"neighbors": _neighbors(0.9)}):
        why = choose_leader(LAYERS, recipes=ONE, num_checkpoints=5, **given)
        assert {each.because for each in why} == {"not comparable: a checkpoint has no finite predictions"}


def test_neighbours_of_no_skill_are_named_as_such():
    why = choose_leader(VOTES, recipes=ONE, neighbors=_neighbors(0.25), num_checkpoints=5)
    assert why[0].because.startswith("not trusted: the neighbours of a training example tell its label in 25 %")
