"""Two codes of the same labels, from the weights before training and after it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from lightning_infomem.model_information import InformationTransfer, OnlineCode, information_transfer
from tests.model_information.tasks import (
    CLASSES,
    QUICK,
    AdamClassifier,
    Constant,
    UnifiedAdamClassifier,
    network,
    same,
    separable,
    states,
)


def knowing():
    """The weights of one that knows which of the first inputs is the highest."""
    known = nn.Linear(6, CLASSES)
    with torch.no_grad():
        known.weight.zero_()
        known.weight[:, :CLASSES] = 9 * torch.eye(CLASSES)
        known.bias.zero_()
    return known


@pytest.mark.parametrize("start", ["cold", "warm"])
@pytest.mark.parametrize("first_block", ["uniform", "model"])
@pytest.mark.parametrize("form", [lambda body: body, AdamClassifier, UnifiedAdamClassifier], ids=["bare", "pl", "L"])
def test_equal_weights_transfer_exactly_nothing(start, first_block, form):
    settings = {**QUICK, "max_epochs": 2, "start": start, "first_block": first_block}
    found = information_transfer(form(network()), form(network()), separable(), **settings)
    assert found.bits == 0.0
    assert found.initial == found.final


def test_also_where_the_training_draws_random_numbers_and_a_measurement_left_evaluation_mode():
    def dropping():
        return nn.Sequential(nn.Dropout(0.5), network())

    torch.manual_seed(0)
    assert information_transfer(dropping(), dropping().eval(), separable(), **QUICK).bits == 0.0


def test_weights_that_know_the_task_transfer_what_the_labels_cost_without_them():
    torch.manual_seed(0)
    initial, final = nn.Linear(6, CLASSES), knowing()
    before = states(initial, final)
    found = information_transfer(initial, final, separable(), **QUICK)
    assert found.bits == found.initial.code_length - found.final.code_length > 25
    assert found.bits_per_label == found.bits / 100
    assert same(before, states(initial, final))
    back = information_transfer(final, initial, separable(), **QUICK)
    assert back.bits == -found.bits


def test_weights_of_another_task_transfer_less_than_nothing():
    torch.manual_seed(0)
    wrong = knowing()
    with torch.no_grad():
        wrong.weight.copy_(wrong.weight.roll(1, 0))
    assert information_transfer(nn.Linear(6, CLASSES), wrong, separable(), **QUICK).bits < 0


def test_where_both_rule_a_label_out_nothing_can_be_said():
    ever = OnlineCode(2, (1, 1), (1.0, math.inf))
    assert math.isnan(InformationTransfer(ever, ever).bits)
    assert InformationTransfer(ever, OnlineCode(2, (1, 1), (1.0, 1.0))).bits == math.inf


def test_two_networks_that_differ_in_more_than_their_weights_are_refused():
    with pytest.raises(ValueError, match=r"final: the same parameters as initial .* such as '0.bias'"):
        information_transfer(network(hidden=8), network(hidden=9), separable(), **QUICK)
    with pytest.raises(ValueError, match="final: the same parameters as initial"):
        information_transfer(network(), Constant(0.0, 0.0, 0.0), separable(), **QUICK)
