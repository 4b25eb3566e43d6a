"""Dawid-Skene: by hand, against crowd-kit, on voters of known accuracy, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lightning_infomem.functional import dawid_skene
from tests.functional.voters import draw_voters

MODELS = ["one_coin", "confusion"]
VOTES = torch.tensor([[0, 1], [0, 1], [1, 1]])


def test_one_iteration_of_one_coin_by_hand():
    fitted = dawid_skene(VOTES, 2, pseudo_votes=0, max_iterations=1)
    # Shares of the vote: (2/3, 1/3) and (0, 1), so the prior is (1/3, 2/3) and the accuracies 5/6, 5/6, 2/3. Then the
    # first input has 1/3 5/6 5/6 1/3 = 25/324 against 2/3 1/6 1/6 2/3 = 4/324, the second 1/324 against 100/324.
    assert fitted.class_prior.tolist() == pytest.approx([1 / 3, 2 / 3])
    assert fitted.accuracy.tolist() == pytest.approx([5 / 6, 5 / 6, 2 / 3])
    assert fitted.posterior.flatten().tolist() == pytest.approx([25 / 29, 4 / 29, 1 / 101, 100 / 101])
    assert fitted.log_likelihood == pytest.approx(math.log(29 / 324) + math.log(101 / 324))
    assert (fitted.num_iterations, fitted.converged, fitted.confusion) == (1, False, None)
    assert fitted.posterior.dtype == fitted.accuracy.dtype == torch.float64


def test_pseudo_votes_of_one_coin_by_hand():
    fitted = dawid_skene(VOTES, 2, pseudo_votes=4, pseudo_accuracy=0.75, max_iterations=1)
    assert fitted.accuracy.tolist() == pytest.approx([(5 / 3 + 3) / 6, (5 / 3 + 3) / 6, (4 / 3 + 3) / 6])


def test_one_iteration_of_confusion_matrices_by_hand():
    fitted = dawid_skene(VOTES, 2, model="confusion", pseudo_votes=1, max_iterations=1)
    # True class 0 weighs 2/3 (first input), true class 1 weighs 1/3 and 1. The coins, with a pseudo-vote right and one
    # wrong, are (5/3 + 1) / 4 = 2/3 and (4/3 + 1) / 4 = 7/12; one vote is spread as they say.
    total = [2 / 3 + 1, 4 / 3 + 1]
    agreeing = [[(2 / 3 + 2 / 3) / total[0], 1 / 3 / total[0]], [(1 / 3 + 1 / 3) / total[1], (1 + 2 / 3) / total[1]]]
    third = [[7 / 12 / total[0], (2 / 3 + 5 / 12) / total[0]], [5 / 12 / total[1], (4 / 3 + 7 / 12) / total[1]]]
    assert fitted.confusion.shape == (3, 2, 2)
    assert np.allclose(fitted.confusion, [agreeing, agreeing, third])
    assert fitted.accuracy[0].item() == pytest.approx(agreeing[0][0] / 3 + agreeing[1][1] * 2 / 3)
    odds = (1 / 3) * agreeing[0][0] ** 2 * third[0][1] / ((2 / 3) * agreeing[1][0] ** 2 * third[1][1])
    assert fitted.posterior[0, 0].item() == pytest.approx(odds / (1 + odds))


def of_crowd_kit(name, classes, iterations, labels=None):
    """Posterior and estimated errors of crowd-kit, in the order of our inputs, classes and checkpoints."""
    pandas = pytest.importorskip("pandas")
    crowd_kit = pytest.importorskip("crowdkit.aggregation")
    rows = [
        (each, voter, int(classes[voter, each])) for each in range(classes.shape[1]) for voter in range(len(classes))
    ]
    table = pandas.DataFrame([row for row in rows if row[2] >= 0], columns=["task", "worker", "label"])
    method = getattr(crowd_kit, name)(n_iter=iterations, tol=-math.inf)
    truth = (
        ()
        if labels is None
        else (pandas.Series(labels[labels >= 0].tolist(), index=(labels >= 0).nonzero()[:, 0].tolist()),)
    )
    method.fit(table, *truth)
    return method, method.probas_.sort_index().sort_index(axis=1).to_numpy()


# Crowd-kit clips probabilities at 1e-10, has no pseudo-votes, estimates the prior, and ends with another estimate of
# the errors: its errors after n iterations are those with which our iteration n + 1 starts.
@pytest.mark.parametrize("iterations", [1, 2, 30])
@pytest.mark.parametrize(("model", "name"), [("one_coin", "OneCoinDawidSkene"), ("confusion", "DawidSkene")])
@pytest.mark.parametrize("unknown", [0.0, 0.3])
@pytest.mark.filterwarnings("ignore")
def test_it_is_what_crowd_kit_says(model, name, iterations, unknown):
    classes, _ = draw_voters([0.9, 0.7, 0.6, 0.5, 0.3], inputs=90, num_classes=3, unknown=unknown)
    classes = classes[:, (classes >= 0).any(0)]
    method, expected = of_crowd_kit(name, classes, iterations)
    settings = {"model": model, "pseudo_votes": 0.0, "tolerance": 0.0}
    found = dawid_skene(classes, 3, max_iterations=iterations, **settings)
    if found.num_iterations == iterations:  # else rounding let the log-likelihood stand still before
        assert np.allclose(found.posterior, expected, atol=1e-7)
    following = dawid_skene(classes, 3, max_iterations=iterations + 1, **settings)
    if model == "one_coin":
        assert np.allclose(following.accuracy, method.skills_.sort_index(), atol=1e-7)
    else:
        errors = method.errors_.sort_index().sort_index(axis=1).to_numpy().reshape(5, 3, 3)
        assert np.allclose(following.confusion.transpose(1, 2), errors, atol=1e-7)


@pytest.mark.filterwarnings("ignore")
def test_known_labels_are_those_of_crowd_kit():
    classes, truth = draw_voters([0.9, 0.7, 0.6, 0.5, 0.3], inputs=90, num_classes=3)
    labels = torch.full((90,), -1)
    labels[:30] = (truth[:30] + 1) % 3  # false, so that they matter
    _, expected = of_crowd_kit("DawidSkene", classes, 20, labels)
    settings = {"model": "confusion", "pseudo_votes": 0.0, "tolerance": 0.0}
    found = dawid_skene(classes, 3, labels=labels, max_iterations=20, **settings)
    assert np.allclose(found.posterior, expected, atol=1e-7)
    assert not np.allclose(found.posterior, dawid_skene(classes, 3, max_iterations=20, **settings).posterior, atol=1e-2)


@pytest.mark.parametrize("model", MODELS)
def test_accuracies_of_independent_voters_are_found(model):
    accuracies = [0.95, 0.8, 0.6, 0.5, 0.4, 0.15]
    classes, truth = draw_voters(accuracies, inputs=4000)
    fitted = dawid_skene(classes, 4, model=model)
    assert fitted.converged
    assert fitted.accuracy.tolist() == pytest.approx(accuracies, abs=0.03)  # 4 deviations of 4,000 votes
    consensus, best = fitted.posterior.argmax(1) == truth, classes[0] == truth
    assert consensus.sum() >= best.sum()
    # Calibrated: certain by as much as it is right.
    assert fitted.posterior.amax(1).mean().item() == pytest.approx(consensus.double().mean().item(), abs=0.01)


def test_confusion_matrices_tell_who_confuses_what():
    truth = torch.arange(3000) % 3
    blind = truth.where(truth != 2, torch.arange(3000) // 3 % 2)  # a voter that never says 2
    classes = torch.stack([truth, truth, blind])
    confusion = dawid_skene(classes, 3, model="confusion", pseudo_votes=0.0).confusion
    expected = torch.tensor([[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0]], dtype=torch.float64)
    assert torch.allclose(confusion[2], expected, atol=1e-6)


def test_many_pseudo_votes_make_confusion_matrices_coins():
    classes, _ = draw_voters([0.9, 0.7, 0.5, 0.4], inputs=60, num_classes=30)
    coins = dawid_skene(classes, 30, tolerance=1e-12)
    matrices = dawid_skene(classes, 30, model="confusion", pseudo_votes=1e6, tolerance=1e-12)
    assert torch.allclose(matrices.accuracy, coins.accuracy, atol=1e-5)
    assert torch.allclose(matrices.posterior, coins.posterior, atol=1e-3)


def test_with_many_classes_pseudo_votes_keep_matrices_from_following_chance():
    generator = torch.Generator().manual_seed(0)
    truth = torch.randint(77, (1000,), generator=generator)
    confused = (truth + torch.randint(1, 4, (20, 1000), generator=generator)) % 77
    is_right = torch.rand(20, 1000, generator=generator) < torch.linspace(0.1, 0.5, 20)[:, None]
    classes = torch.where(is_right, truth, confused)
    shares = [
        (dawid_skene(classes, 77, model="confusion", pseudo_votes=count).posterior.argmax(1) == truth).double().mean()
        for count in (1.0, None)
    ]
    assert shares[1] > shares[0] + 0.1


@pytest.mark.parametrize("model", MODELS)
def test_each_iteration_raises_the_log_posterior(model):
    classes, _ = draw_voters([0.6, 0.5, 0.4, 0.35], inputs=60, unknown=0.2)
    prior = torch.full((4,), 0.25)
    reached = [
        dawid_skene(classes, 4, model=model, prior=prior, pseudo_votes=0, tolerance=0, max_iterations=count)
        for count in range(1, 12)
    ]
    values = [fitted.log_likelihood for fitted in reached]
    assert values == sorted(values)
    assert values[-1] > values[0] + 0.01


@pytest.mark.parametrize("model", MODELS)
def test_known_labels_stay_and_teach_about_the_others(model):
    truth = torch.arange(200) % 2
    classes = torch.stack([truth, 1 - truth, 1 - truth])  # the majority is wrong everywhere
    labels = truth.where(torch.arange(200) < 40, -1)
    fitted = dawid_skene(classes, 2, model=model, labels=labels)
    assert torch.equal(fitted.posterior[:40], torch.eye(2, dtype=torch.float64)[truth[:40]])
    misled = dawid_skene(classes, 2, model=model)
    assert misled.accuracy[0] < 0.1
    assert fitted.accuracy[0] > misled.accuracy[0] + 0.1
    every = dawid_skene(classes, 2, model=model, labels=truth)
    assert every.accuracy.tolist() == pytest.approx([1, 0, 0], abs=0.02)


@pytest.mark.parametrize("model", MODELS)
def test_order_and_names_of_classes_change_nothing(model):
    classes, _ = draw_voters([0.8, 0.6, 0.5, 0.4], inputs=200, unknown=0.1)
    expected = dawid_skene(classes, 4, model=model)
    generator = torch.Generator().manual_seed(1)
    voters, inputs, names = (torch.randperm(count, generator=generator) for count in (4, 200, 4))
    renamed = torch.where(classes >= 0, names[classes], -1)[voters][:, inputs]
    found = dawid_skene(renamed.to(torch.int8), 4, model=model)
    assert torch.allclose(found.accuracy, expected.accuracy[voters], atol=1e-6)
    assert torch.allclose(found.posterior[:, names], expected.posterior[inputs], atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_it_is_the_same_every_time_and_with_any_threads(model):
    classes, _ = draw_voters([0.8, 0.6, 0.5, 0.4] * 5, inputs=400)
    first = dawid_skene(classes, 4, model=model)
    torch.set_num_threads(2)
    second = dawid_skene(classes, 4, model=model)
    assert torch.equal(first.posterior, second.posterior)
    assert torch.equal(first.accuracy, second.accuracy)


@pytest.mark.parametrize("model", MODELS)
def test_inputs_and_checkpoints_without_votes_have_no_say(model):
    classes, _ = draw_voters([0.8, 0.6, 0.5], inputs=200)
    expected = dawid_skene(classes, 4, model=model)
    silent = torch.cat([classes, torch.full((1, 200), -1)])
    silent = torch.cat([silent, torch.full((4, 50), -1)], dim=1)
    found = dawid_skene(silent, 4, model=model)
    assert torch.allclose(found.accuracy[:3], expected.accuracy, atol=1e-9)
    assert math.isnan(found.accuracy[3].item())
    assert torch.allclose(found.posterior[:200], expected.posterior, atol=1e-9)
    assert torch.allclose(found.posterior[200:], found.class_prior.expand(50, 4), atol=1e-12)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("pseudo_votes", [0.0, 2.0])
def test_hundreds_of_unanimous_voters_stay_finite(model, pseudo_votes):
    classes = (torch.arange(60) % 5).expand(300, 60)
    fitted = dawid_skene(classes, 7, model=model, pseudo_votes=pseudo_votes)
    assert bool(fitted.posterior.isfinite().all())
    assert math.isfinite(fitted.log_likelihood)
    assert torch.equal(fitted.posterior.argmax(1), classes[0])
    assert fitted.converged


def test_a_given_prior_is_kept():
    prior = torch.tensor([0.7, 0.1, 0.1, 0.1], dtype=torch.float64)
    classes, _ = draw_voters([0.8, 0.6, 0.5], inputs=50)
    fitted = dawid_skene(classes, 4, prior=prior)
    assert torch.allclose(fitted.class_prior, prior)
    assert fitted.posterior[:, 0].mean() > dawid_skene(classes, 4).posterior[:, 0].mean()


@pytest.mark.parametrize(
    ("change", "fault", "message"),
    [
        (
            {"classes": VOTES.double()},
            TypeError,
            r"classes: an integer .* \[checkpoints, inputs\] .* got a torch.float64",
        ),
        ({"classes": VOTES.tolist()}, TypeError, "classes: an integer torch tensor .* got list"),
        ({"classes": VOTES[0]}, ValueError, r"classes: shape \[checkpoints, inputs\] is required, got .* \[2\]"),
        ({"classes": VOTES[:1]}, ValueError, r"at least 2 checkpoints and 1 input are required, got .* \[1, 2\]"),
        ({"classes": VOTES[:, :0]}, ValueError, r"at least 2 checkpoints and 1 input are required, got .* \[3, 0\]"),
        ({"classes": VOTES + 1}, ValueError, "classes: classes from 0 to 1, or -1 for .* are required, got 2"),
        ({"classes": VOTES - 2}, ValueError, "classes: classes from 0 to 1, or -1 for .* are required, got -2"),
        ({"classes": VOTES * 0 - 1}, ValueError, "classes: a known prediction is required, got -1 everywhere"),
        ({"num_classes": 1}, ValueError, "num_classes: a whole number >= 2 is required, got 1"),
        ({"num_classes": 2.0}, TypeError, "num_classes: a whole number >= 2 is required, got float 2.0"),
        ({"model": "two_coins"}, ValueError, "model: one of 'one_coin', 'confusion' is required, got 'two_coins'"),
        ({"labels": torch.zeros(3, dtype=torch.int64)}, ValueError, "labels: one for each of the 2 inputs .* got 3"),
        ({"labels": torch.tensor([0, 2])}, ValueError, "labels: classes from 0 to 1, or -1 for an unknown class, .* 2"),
        ({"labels": torch.zeros(2)}, TypeError, r"labels: an integer torch tensor of shape \[inputs\]"),
        ({"prior": torch.tensor([1.0, 0.0])}, ValueError, "prior: positive probabilities that sum to 1"),
        ({"prior": torch.tensor([0.5, 0.2])}, ValueError, "prior: positive probabilities that sum to 1"),
        ({"prior": torch.tensor([0.5, 0.3, 0.2])}, ValueError, "prior: one probability for each of the 2 classes"),
        ({"prior": torch.tensor([1, 1])}, TypeError, "prior: a floating-point tensor"),
        ({"prior": torch.tensor([math.nan, 0.5])}, ValueError, "prior: positive probabilities that sum to 1"),
        ({"pseudo_votes": -1}, ValueError, "pseudo_votes: a finite number >= 0"),
        ({"pseudo_accuracy": 1.1}, ValueError, "pseudo_accuracy: a finite number >= 0 and <= 1"),
        ({"max_iterations": 0}, ValueError, "max_iterations: a whole number >= 1"),
    ],
)
def test_wrong_input_is_named(change, fault, message):
    with pytest.raises(fault, match=message):
        dawid_skene(**{"classes": VOTES, "num_classes": 2, **change})
