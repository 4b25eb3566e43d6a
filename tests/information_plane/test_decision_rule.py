"""Information of decisions."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_infomem.information_plane import DecisionRule

CLOSED = json.loads((Path(__file__).parents[1] / "data" / "closed_forms.json").read_text())


def logits_for(decisions, num_classes, dtype=torch.float32):
    noise = torch.rand(len(decisions), num_classes, generator=torch.Generator().manual_seed(0))
    return (noise + 2 * torch.nn.functional.one_hot(decisions, num_classes)).to(dtype)


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_a_perfect_classifier_of_balanced_classes_has_their_logarithm_twice(num_classes):
    assert "H(L)=I(Y;L)=log2 C" in CLOSED["decision_rule"]
    labels = torch.arange(5 * num_classes) % num_classes
    point = DecisionRule().estimate(logits_for(labels, num_classes), labels)
    assert point.input_bits == pytest.approx(math.log2(num_classes), abs=1e-13)
    assert point.label_bits == pytest.approx(math.log2(num_classes), abs=1e-13)
    assert (point.input_kind, point.label_kind, point.parameters) == ("exact", "exact", {})


@pytest.mark.parametrize("error", [0.1, 0.25, 0.5])
def test_a_classifier_that_errs_is_a_binary_symmetric_channel(error):
    labels = torch.arange(2000) % 2
    wrong = (torch.arange(2000) // 2) < 1000 * error  # as often of either class
    point = DecisionRule().estimate(logits_for(labels ^ wrong, 2), labels)
    entropy = 0.0 if error == 0 else -error * math.log2(error) - (1 - error) * math.log2(1 - error)
    assert point.input_bits == pytest.approx(1, abs=1e-12)
    assert point.label_bits == pytest.approx(1 - entropy, abs=1e-12)
    if str(error) in CLOSED["bsc_capacity_bits_uniform_input"]:
        assert point.label_bits == pytest.approx(CLOSED["bsc_capacity_bits_uniform_input"][str(error)], abs=1e-12)


def test_one_decision_for_all_tells_nothing():
    point = DecisionRule().estimate(torch.tensor([[1.0, 0.0]] * 4), torch.tensor([0, 1, 0, 1]))
    assert point.input_information == point.label_information == 0


def test_tied_logits_decide_for_the_first_class():
    logits = torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    assert DecisionRule().estimate(logits, torch.tensor([0, 0, 1, 1])).label_bits == pytest.approx(1)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=2, max_size=40))
def test_the_label_is_revealed_no_more_than_by_the_decision(pairs):
    decisions, labels = (torch.tensor(each) for each in zip(*pairs, strict=True))
    if len(labels.unique()) < 2:
        labels[0] = (labels[0] + 1) % 3
    point = DecisionRule().estimate(logits_for(decisions, 4, torch.float64), labels)
    assert 0 <= point.label_information <= point.input_information + 1e-12
    assert point.input_information <= min(math.log(4), math.log(len(pairs))) + 1e-12
    flipped = DecisionRule().estimate(logits_for(decisions, 4).flip(0), labels.flip(0))
    assert flipped.label_information == pytest.approx(point.label_information, abs=1e-12)
    assert not set(point.flags) - {"saturated"}


def test_what_are_no_logits_is_refused():
    with pytest.raises(ValueError, match=r"DecisionRule: hidden: a logit .* got 1 per sample; .*torch.cat"):
        DecisionRule().estimate(torch.ones(4, 1), torch.tensor([0, 1, 0, 1]))
    with pytest.raises(ValueError, match="each of the 3 classes of the labels is required, got 2"):
        DecisionRule().estimate(torch.ones(4, 2), torch.tensor([0, 1, 7, 1]))
