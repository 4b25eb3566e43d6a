"""Agreement of predicted classes: by hand, against loops over pairs, and what it refuses."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_infomem.functional import pairwise_agreement, reference_agreement, soft_vote_agreement
from tests.functional.voters import draw_voters

VOTES = torch.tensor([[0, 1, 2, 0], [0, 1, 2, 1], [0, 1, 0, 2]])


def test_agreement_with_a_reference_by_hand():
    classes = torch.tensor([[0, 1, 2, -1], [0, 0, 0, 0], [-1, -1, -1, 1]])
    found = reference_agreement(classes, torch.tensor([0, 1, 1, -1]))
    assert found[:2].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert math.isnan(found[2].item())  # nothing is known to both
    assert found.dtype == torch.float64


def test_pairwise_agreement_by_hand():
    # The first two share 3 of 4, the third shares 2 of 4 with each.
    assert pairwise_agreement(VOTES).tolist() == pytest.approx([5 / 8, 5 / 8, 4 / 8])
    with_gaps = VOTES.clone()
    with_gaps[0, 0] = -1
    # Now 2 and 1 of 3 for the first; 2 of 3 and 2 of 4 for the second; 1 of 3 and 2 of 4 for the third.
    assert pairwise_agreement(with_gaps).tolist() == pytest.approx([3 / 6, 4 / 7, 3 / 7])


def test_soft_votes_by_hand():
    classes, confidence = torch.tensor([[0, 1], [0, 0], [1, 1]]), torch.tensor([[0.9, 0.5], [0.6, 0.8], [0.4, 1.0]])
    found = soft_vote_agreement(classes, confidence.double(), 2)
    assert found.tolist() == pytest.approx([(0.6 / 1.0 + 1.0 / 1.8) / 2, (0.9 / 1.3 + 0) / 2, (0 + 0.5 / 1.3) / 2])
    classes[2, 0] = -1
    confidence[2, 0] = math.nan
    confidence[0, 1] = confidence[2, 1] = 0  # to the second, all others are entirely unsure about the second input
    found = soft_vote_agreement(classes, confidence.double(), 2)
    assert found.tolist() == pytest.approx([(1 + 0) / 2, 1, 0])


def by_pairs(classes):
    result = []
    for judged, own in enumerate(classes):
        others = torch.cat([classes[:judged], classes[judged + 1 :]])
        both = (own >= 0) & (others >= 0)
        result.append((((own == others) & both).sum() / both.sum()).item())
    return result


votes = st.lists(st.lists(st.integers(-1, 3), min_size=5, max_size=5), min_size=2, max_size=6).map(torch.tensor)


@settings(max_examples=60, deadline=None)
@given(votes)
def test_counting_votes_is_comparing_pairs(classes):
    assert pairwise_agreement(classes).tolist() == pytest.approx(by_pairs(classes), nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(votes.map(lambda classes: classes.clamp(min=0)), st.floats(0.1, 1))
def test_equally_sure_voters_agree_as_pairs_do(classes, confidence):
    found = soft_vote_agreement(classes, torch.full(classes.shape, confidence), 4)
    assert found.tolist() == pytest.approx(pairwise_agreement(classes).tolist())


@settings(max_examples=60, deadline=None)
@given(votes, st.randoms(use_true_random=False))
def test_order_and_names_change_nothing(classes, random):
    confidence = torch.tensor([[random.random() for _ in own] for own in classes])
    voters, inputs, names = (random.sample(range(count), count) for count in (*classes.shape, 4))
    renamed = torch.where(classes >= 0, torch.tensor(names)[classes], -1)[voters][:, inputs]
    for before, after in [
        (pairwise_agreement(classes), pairwise_agreement(renamed.int())),
        (
            soft_vote_agreement(classes, confidence, 4),
            soft_vote_agreement(renamed, confidence[voters][:, inputs], 4),
        ),
        (reference_agreement(classes, classes[0]), reference_agreement(renamed, renamed[voters.index(0)])),
    ]:
        assert after.tolist() == pytest.approx(before[voters].tolist(), nan_ok=True)
        assert bool(((before >= 0) & (before <= 1) | before.isnan()).all())


def test_the_surer_the_right_ones_the_better_they_do():
    classes, truth = draw_voters([0.9, 0.7, 0.5, 0.3])
    sure = torch.where(classes == truth, 0.9, 0.4)
    assert soft_vote_agreement(classes, sure, 4)[0] > pairwise_agreement(classes)[0] + 0.05


REFERENCE, CONFIDENCE = torch.tensor([0, 1, 2, 0]), torch.full((3, 4), 0.5)


@pytest.mark.parametrize(
    ("call", "fault", "message"),
    [
        (partial(reference_agreement, VOTES, REFERENCE[:3]), ValueError, "reference: one for each of the 4 inputs"),
        (partial(reference_agreement, VOTES, REFERENCE - 2), ValueError, "reference: classes from 0, or -1 .* got -2"),
        (partial(reference_agreement, VOTES, REFERENCE.double()), TypeError, "reference: an integer torch tensor"),
        (partial(reference_agreement, VOTES[0], REFERENCE), ValueError, r"classes: shape \[checkpoints, inputs\]"),
        (partial(pairwise_agreement, VOTES[:1]), ValueError, "classes: at least 2 checkpoints and 1 input"),
        (partial(pairwise_agreement, VOTES.bool()), TypeError, "classes: an integer torch tensor"),
        (partial(soft_vote_agreement, VOTES, CONFIDENCE[:2], 3), ValueError, r"confidence: the shape .* \[3, 4\]"),
        (partial(soft_vote_agreement, VOTES, CONFIDENCE.int(), 3), TypeError, "confidence: a floating-point"),
        (
            partial(soft_vote_agreement, VOTES, CONFIDENCE * 3, 3),
            ValueError,
            "probabilities between 0 and 1 .* got 1.5",
        ),
        (partial(soft_vote_agreement, VOTES, CONFIDENCE * math.nan, 3), ValueError, "between 0 and 1 .* got nan"),
        (partial(soft_vote_agreement, VOTES, CONFIDENCE, 2), ValueError, "classes from 0 to 1, or -1 .* got 2"),
        (partial(soft_vote_agreement, VOTES * 0, CONFIDENCE, 1), ValueError, "num_classes: a whole number >= 2"),
    ],
)
def test_wrong_input_is_named(call, fault, message):
    with pytest.raises(fault, match=message):
        call()
