"""Average thresholded confidence: by hand, its defining equation, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_infomem.functional import average_thresholded_confidence, temperature_scaled_confidence

LOG_ODDS = torch.tensor([0.1, 0.5, 1.0, 2.0, 3.0, 4.0])


def test_thresholds_by_hand():
    def found(labelled, correct):
        return average_thresholded_confidence(LOG_ODDS, torch.tensor(labelled), torch.tensor(correct)).item()

    assert found([1, 3], [False, True]) == pytest.approx(3 / 6)  # above 1.25
    assert found([3, 1], [False, True]) == pytest.approx(3 / 6)  # which one is wrong does not matter
    assert found([0, 1, 3, 5], [False, True, True, True]) == pytest.approx(5 / 6)  # above 0.3
    assert found([1, 3], [True, True]) == 1
    assert found([1, 3], [False, False]) == 0


def test_a_threshold_within_a_tie_takes_a_part_of_it():
    log_odds = torch.tensor([1.0, 2.0, 2.0, 2.0, 2.0, 3.0])
    labelled = torch.tensor([1, 2, 3])
    correct = torch.tensor([True, False, True])
    # A third of the four inputs at 2 is below the threshold.
    found = average_thresholded_confidence(log_odds, labelled, correct)
    assert found.item() == pytest.approx((1 + 4 * 2 / 3) / 6)
    assert found.dtype == torch.float64


numbers = st.floats(-50, 50, width=16)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(numbers, st.booleans()), min_size=1, max_size=12))
def test_where_every_input_is_labelled_it_is_the_accuracy(inputs):
    log_odds, correct = torch.tensor([value for value, _ in inputs]), torch.tensor([right for _, right in inputs])
    found = average_thresholded_confidence(log_odds, torch.arange(len(inputs)), correct)
    assert found.item() == pytest.approx(correct.double().mean().item())


@settings(max_examples=80, deadline=None)
@given(st.lists(numbers, min_size=5, max_size=12), st.lists(st.booleans(), min_size=4, max_size=4))
def test_order_and_scale_change_nothing(values, right):
    log_odds, correct, labelled = torch.tensor(values).double(), torch.tensor(right), torch.arange(4)
    expected = average_thresholded_confidence(log_odds, labelled, correct).item()
    turned = average_thresholded_confidence(log_odds.flip(0), len(values) - 1 - labelled, correct)
    assert turned.item() == pytest.approx(expected)
    assert average_thresholded_confidence(log_odds * 4, labelled, correct).item() == pytest.approx(expected)
    assert 0 <= expected <= 1


BOTH = [average_thresholded_confidence, temperature_scaled_confidence]


@pytest.mark.parametrize("estimate", BOTH)
@pytest.mark.parametrize(
    ("change", "fault", "message"),
    [
        ({"log_odds": LOG_ODDS * math.inf}, ValueError, "log_odds: finite values"),
        ({"log_odds": LOG_ODDS[None]}, ValueError, "log_odds: shape"),
        ({"log_odds": LOG_ODDS.int()}, TypeError, "log_odds: a floating-point tensor"),
        ({"labelled": torch.tensor([0, 6])}, ValueError, "labelled: places from 0 to 5 are required, got 6"),
        ({"labelled": torch.tensor([0, -1])}, ValueError, "labelled: places from 0 to 5 are required, got -1"),
        ({"labelled": torch.tensor([1, 1])}, ValueError, "labelled: each input once"),
        ({"labelled": torch.tensor([0.0, 1.0])}, TypeError, "labelled: an int64 torch tensor"),
        ({"labelled": torch.tensor([0])}, ValueError, "correct: one for each of 1 labelled inputs"),
        ({"labelled": torch.tensor([0])[:0]}, ValueError, "labelled: the place of at least one input"),
        ({"correct": torch.tensor([0, 1])}, TypeError, "correct: a bool torch tensor"),
    ],
)
def test_wrong_input_is_named(estimate, change, fault, message):
    given = {"log_odds": LOG_ODDS, "labelled": torch.tensor([0, 1]), "correct": torch.tensor([True, False]), **change}
    with pytest.raises(fault, match=message):
        estimate(**given)
