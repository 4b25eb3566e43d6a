"""Predictions of several checkpoints, brought together input by input."""

from __future__ import annotations

import pytest
import torch

from lightning_infomem.records.training_neighbors import TrainingNeighbors
from lightning_infomem.selection.votes import collect_votes, doubts_of_class_order
from tests.selection.voters import draw_candidates, make_candidate, make_votes

CLASSES = torch.arange(40) % 4


def test_inputs_that_all_saw_are_compared_by_their_marks():
    late = CLASSES[10:]
    fields = {"inputs": torch.arange(10, 40), "places": torch.arange(10, 40)}
    votes, why = collect_votes([make_candidate("a", CLASSES), make_candidate("b", late, fields=fields)])
    assert why == ""
    assert votes.inputs.tolist() == votes.places.tolist() == list(range(10, 40))
    assert torch.equal(votes.classes[0], votes.classes[1])
    assert votes.confidence.unique().tolist() == [0.5]
    assert votes.num_labels == 0


def test_unknown_predictions_have_no_confidence():
    votes, _ = collect_votes(
        [make_candidate("a", CLASSES), make_candidate("b", CLASSES.clone().index_fill(0, torch.tensor([3]), -1))]
    )
    assert votes.classes[1, 3] == -1
    assert (votes.confidence[0, 3], votes.confidence[1, 3]) == (0.5, 0)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (make_candidate("b"), "there are no predicted classes of known inputs in 'zoo/b'"),
        (make_candidate("b", CLASSES, num_classes=5), "the checkpoints have different numbers of classes (4, 5)"),
        (
            make_candidate("b", CLASSES, fields={"inputs": torch.arange(30, 70)}),
            "only 10 inputs were seen by all checkpoints, and 20 are required",
        ),
    ],
)
def test_what_cannot_be_compared_has_its_reason(other, why):
    assert collect_votes([make_candidate("a", CLASSES), other]) == (None, why)


def test_places_and_loader_are_known_only_where_all_agree():
    shuffled = {"places": torch.arange(40).flip(0), "loader": 1}
    votes, _ = collect_votes([make_candidate("a", CLASSES), make_candidate("b", CLASSES, fields=shuffled)])
    assert (votes.places, votes.loader) == (None, None)


def test_a_reference_of_other_classes_or_inputs_is_left_out():
    both = [make_candidate("a", CLASSES), make_candidate("b", CLASSES)]
    assert torch.equal(collect_votes(both, make_candidate("r", CLASSES))[0].reference, CLASSES)
    for wrong in (
        make_candidate("r"),
        make_candidate("r", CLASSES, num_classes=5),
        make_candidate("r", CLASSES, fields={"inputs": torch.arange(1, 41)}),
    ):
        assert collect_votes(both, wrong)[0].reference is None


def test_labels_of_neighbours_follow_their_inputs():
    labels = torch.stack([CLASSES, CLASSES], dim=1)
    neighbors = TrainingNeighbors(torch.arange(40), labels, 9, 0.5, 0.1, 0.25, "")
    few = make_candidate("b", CLASSES[10:], fields={"inputs": torch.arange(10, 40), "places": None})
    assert torch.equal(
        collect_votes([make_candidate("a", CLASSES), few], None, neighbors)[0].neighbor_labels, labels[10:]
    )


def test_a_checkpoint_with_classes_in_another_order_is_named_and_no_other():
    candidates, _ = draw_candidates([0.9, 0.8, 0.7, 0.4, 0.25])
    votes, _ = make_votes([0.9, 0.8, 0.7, 0.4, 0.25])
    assert doubts_of_class_order(votes, candidates) == []
    renamed = votes.classes.clone()
    renamed[1] = (renamed[1] + 1) % 4
    object.__setattr__(votes, "classes", renamed)
    [flag] = doubts_of_class_order(votes, candidates)
    assert (flag.name, flag.is_doubt) == ("class_order", True)
    assert "'zoo/1'" in flag.message
    assert "'zoo/0'" not in flag.message
