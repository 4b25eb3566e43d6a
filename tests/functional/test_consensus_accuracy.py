"""Accuracy by the consensus of the others: by hand, against Bayes' rule, on voters of known accuracy."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_infomem.functional import consensus_accuracy, dawid_skene, expected_accuracy
from tests.functional.voters import draw_voters

MODELS = ["one_coin", "confusion"]
VOTES = torch.tensor([[0, 1], [0, 1], [1, 1]])


def test_two_inputs_by_hand():
    fitted = dawid_skene(VOTES, 2, pseudo_votes=0, max_iterations=1)
    # Prior (1/3, 2/3), accuracies 5/6, 5/6, 2/3. Without the first vote, the first input has 1/3 5/6 1/3 = 5/54 against
    # 2/3 1/6 2/3 = 4/54, the second 1/54 against 20/54. Without the third, 25/108 against 2/108, and 1/108, 50/108.
    with_own = expected_accuracy(VOTES, fitted, leave_out=False)
    assert with_own.tolist() == pytest.approx([(25 / 29 + 100 / 101) / 2] * 2 + [(4 / 29 + 100 / 101) / 2])
    found = expected_accuracy(VOTES, fitted)
    assert found.tolist() == pytest.approx([(5 / 9 + 20 / 21) / 2] * 2 + [(2 / 27 + 50 / 51) / 2])
    assert found.dtype == torch.float64


def by_bayes(classes, fitted, num_classes):
    """The posterior of every input, from the votes of the others, one by one."""
    result = []
    for judged, own in enumerate(classes):
        right = []
        for index, vote in enumerate(own):
            if vote < 0:
                continue
            log_posterior = fitted.class_prior.log()
            for other, votes in enumerate(classes):
                if other != judged and votes[index] >= 0:
                    if fitted.confusion is None:
                        likelihood = ((1 - fitted.accuracy[other]) / (num_classes - 1)).repeat(num_classes)
                        likelihood[votes[index]] = fitted.accuracy[other]
                    else:
                        likelihood = fitted.confusion[other, :, votes[index]]
                    log_posterior = log_posterior + likelihood.log()
            right.append(log_posterior.softmax(0)[vote])
        result.append(torch.stack(right).mean().item())
    return result


@pytest.mark.parametrize("model", MODELS)
def test_the_own_vote_is_taken_out_as_bayes_rule_demands(model):
    classes, _ = draw_voters([0.9, 0.7, 0.5, 0.2], inputs=40, num_classes=3, unknown=0.2)
    fitted = dawid_skene(classes, 3, model=model)
    assert expected_accuracy(classes, fitted).tolist() == pytest.approx(by_bayes(classes, fitted, 3), abs=1e-9)
    assert torch.equal(consensus_accuracy(classes, 3, model=model), expected_accuracy(classes, fitted))


@pytest.mark.parametrize("model", MODELS)
def test_accuracies_of_many_independent_voters_are_found(model):
    classes, truth = draw_voters([0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2] * 4, inputs=2000)
    shares = (classes == truth).double().mean(1)
    for leave_out in (True, False):
        found = consensus_accuracy(classes, 4, model=model, leave_out=leave_out)
        assert found.tolist() == pytest.approx(shares.tolist(), abs=0.01)


def test_few_unsure_voters_keep_their_order_while_values_shrink():
    classes, truth = draw_voters([0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2], inputs=2000)
    shares = (classes == truth).double().mean(1)
    found = consensus_accuracy(classes, 4)
    assert torch.equal(found.argsort(), shares.argsort())
    assert found[0] < shares[0] - 0.03
    calibrated = consensus_accuracy(classes, 4, leave_out=False)
    assert calibrated.tolist() == pytest.approx(shares.tolist(), abs=0.02)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("leave_out", [True, False])
def test_with_all_labels_it_is_the_accuracy(model, leave_out):
    classes, truth = draw_voters([0.9, 0.7, 0.2], inputs=100, unknown=0.1)
    known = classes >= 0
    expected = ((classes == truth) & known).sum(1) / known.sum(1)
    found = consensus_accuracy(classes, 4, model=model, labels=truth, leave_out=leave_out)
    assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_a_vote_of_its_own_flatters(model):
    classes, _ = draw_voters([0.6, 0.5, 0.5, 0.4], inputs=300)
    own = consensus_accuracy(classes, 4, model=model, leave_out=False)
    assert bool((own > consensus_accuracy(classes, 4, model=model)).all())


@pytest.mark.parametrize("model", MODELS)
def test_hundreds_of_voters_keep_what_rounds_to_certainty(model):
    classes, truth = draw_voters([0.8] * 300, inputs=50)
    found = consensus_accuracy(classes, 4, model=model)
    assert found.tolist() == pytest.approx((classes == truth).double().mean(1).tolist(), abs=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_a_checkpoint_without_votes_has_no_value(model):
    classes, _ = draw_voters([0.8, 0.7, 0.6])
    classes[1] = -1
    found = consensus_accuracy(classes, 4, model=model)
    assert [math.isnan(value) for value in found.tolist()] == [False, True, False]


def test_votes_of_another_model_are_refused():
    fitted = dawid_skene(VOTES, 2)
    with pytest.raises(ValueError, match=r"classes: shape \[3, 2\], that of the fitted model, .* \[2, 2\]"):
        expected_accuracy(VOTES[:2], fitted)
    with pytest.raises(ValueError, match="at least 2 checkpoints"):
        consensus_accuracy(VOTES[:1], 2)
