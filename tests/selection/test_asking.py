"""Which inputs are worth a label."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import mean

import numpy as np
import pytest
import torch

from lightning_infomem.selection.asking import choose_questions, vote_entropy
from lightning_infomem.selection.vote_scores import score_votes, terms_of_votes
from tests.selection.made_up_votes import make_votes, misled_zoo

# Inputs 0 and 3 split the checkpoints evenly, 2 one against three, 1 not at all, 4 in three classes.
CLASSES = [[0, 1, 2, 0, 0], [0, 1, 2, 0, 1], [1, 1, 2, 1, 2], [1, 1, 0, 1, 2]]


def test_the_entropy_of_votes_is_that_of_their_shares():
    halves, quarters = math.log(2), -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    of_three = -0.5 * math.log(0.5) - 2 * 0.25 * math.log(0.25)
    assert vote_entropy(torch.tensor(CLASSES), 3).tolist() == pytest.approx([halves, 0, quarters, halves, of_three])


def test_unknown_predictions_have_no_vote():
    classes = torch.tensor([[0, -1, -1], [0, 0, -1], [1, -1, -1]])
    third = -2 / 3 * math.log(2 / 3) - 1 / 3 * math.log(1 / 3)
    assert vote_entropy(classes, 2).tolist() == pytest.approx([third, 0, 0])


def test_the_most_disputed_inputs_come_first_and_undisputed_ones_are_not_asked():
    chosen = choose_questions(make_votes(CLASSES), 5).tolist()
    assert (chosen[0], set(chosen[1:3]), chosen[3:]) == (4, {0, 3}, [2])
    assert choose_questions(make_votes(CLASSES), 1).tolist() == [4]


def test_a_seed_decides_between_equally_disputed_inputs():
    votes = make_votes([[0] * 40, [1] * 40])
    first = choose_questions(votes, 5, seed=1)
    assert torch.equal(first, choose_questions(votes, 5, seed=1))
    assert not torch.equal(first, choose_questions(votes, 5, seed=2))


def test_no_global_generator_is_drawn_from(undrawn):
    choose_questions(make_votes(CLASSES), 3)


def test_labelled_inputs_are_not_asked_again():
    votes = make_votes(CLASSES, labels=[-1, -1, -1, 0, 2])
    assert choose_questions(votes, 3).tolist() == [0, 2]


def test_more_than_the_inputs_without_a_label_are_refused():
    votes = make_votes(CLASSES, labels=[-1, -1, -1, 0, 2])
    with pytest.raises(
        ValueError, match=r"number: at most 3 is required, because so many of 5 inputs .* ask for fewer"
    ):
        choose_questions(votes, 4)
    with pytest.raises(ValueError, match="number: inputs without a label are required, got none: all 5 have one"):
        choose_questions(make_votes(CLASSES, labels=[0, 1, 2, 0, 2]), 1)


@pytest.mark.parametrize(("number", "fault"), [(0, ValueError), (-3, ValueError), (2.0, TypeError), (True, TypeError)])
def test_a_number_of_at_least_one_is_required(number, fault):
    with pytest.raises(fault, match="number: a whole number >= 1 is required"):
        choose_questions(make_votes(CLASSES), number)


def test_checkpoints_that_agree_everywhere_cannot_be_told_apart():
    with pytest.raises(ValueError, match="no label can tell these checkpoints apart"):
        choose_questions(make_votes([[0, 1, 2], [0, 1, 2]]), 2)
    with pytest.raises(ValueError, match="no label can tell these checkpoints apart"):
        choose_questions(make_votes(CLASSES, labels=[0, -1, 0, 0, 0]), 1)


def _lost(seed, number, *, asked):
    """Points of accuracy that the choice loses after so many labels, on a zoo whose consensus is wrong."""
    truth, classes = misled_zoo(seed)
    accuracies = (classes == truth).double().mean(1)
    votes = make_votes(classes.tolist(), num_classes=5)
    if asked:
        places = choose_questions(votes, number, seed=seed)
    else:
        places = torch.from_numpy(np.random.default_rng(seed).choice(len(truth), number, replace=False))
    labels = torch.full_like(truth, -1)
    labels[places] = truth[places]
    held = replace(votes, labels=labels)
    scores = torch.tensor([each["consensus_accuracy"] for each in score_votes(held, terms_of_votes(held))])
    return 100 * float(accuracies.max() - accuracies[scores.argmax()])


def test_labels_that_are_asked_for_tell_more_than_random_ones():
    # On these 12 zoos 2.0 against 14.3 points are lost with 10 labels; without any, the consensus loses 20.
    asked = mean(_lost(seed, 10, asked=True) for seed in range(12))
    random = mean(_lost(seed, 10, asked=False) for seed in range(12))
    assert asked < random / 2


def test_the_best_is_found_as_labels_grow():
    lost = [mean(_lost(seed, number, asked=True) for seed in range(8)) for number in (5, 20, 100)]
    assert lost[0] > lost[1] > lost[2]
    assert lost[2] < 0.5
