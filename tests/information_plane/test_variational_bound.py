from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from lightning_infomem.information_plane import VariationalBound


def clusters(num_samples=600, units=3, classes=3, apart=2.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(num_samples) % classes
    hidden = torch.randn(num_samples, units, generator=generator, dtype=torch.float64)
    hidden[:, 0] += apart * labels
    return hidden, labels


def test_of_two_gaussians_nearly_all_is_found():
    hidden, labels = clusters(4000, units=1, classes=2)
    density = lambda t: (norm.pdf(t, 0) + norm.pdf(t, 2)) / 2  # noqa: E731
    exact = quad(lambda t: -density(t) * math.log(density(t)), -10, 12)[0] - norm.entropy()
    point = VariationalBound(penalty=0.1).estimate(hidden, labels)
    error = point.scores["label_standard_error"]
    assert point.label_information == pytest.approx(exact, abs=4 * error)  # logistic is the true form here
    assert 0.3 < exact < 0.4
    assert error < 0.01
    assert (point.label_kind, point.input_kind) == ("lower", "neither")
    assert math.isnan(point.input_information)
    assert point.flags == {}


@pytest.mark.parametrize("penalty", [0.1, 1.0, 30.0])
def test_the_classifier_is_that_of_scikit_learn(penalty):
    hidden, labels = clusters(300, units=5)
    estimator = VariationalBound(penalty=penalty)
    folds = estimator._deal(labels, 2)
    summed = 0.0
    for fold in (0, 1):
        train, test = (hidden[folds != fold].numpy(), hidden[folds == fold].numpy())
        mean, spread = train.mean(0), train.std(0)
        model = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=1000)
        model.fit((train - mean) / spread, labels[folds != fold].numpy())
        logs = model.predict_log_proba((test - mean) / spread)
        summed += logs[np.arange(len(test)), labels[folds == fold].numpy()].sum()
    point = estimator.estimate(hidden, labels)
    assert point.scores["cross_entropy"] == pytest.approx(-summed / 300, abs=1e-6)
    assert point.label_information == pytest.approx(math.log(3) + summed / 300, abs=1e-6)


def test_labels_unrelated_to_the_layer_are_not_found_in_it():
    # On the samples it was trained on, a classifier of 100 units would find nearly all of ln 2.
    hidden, _ = clusters(200, units=100, apart=0.0)
    labels = torch.arange(200) % 2
    free, chosen = (VariationalBound(penalty=each).estimate(hidden, labels) for each in (1e-2, None))
    assert free.label_information < -1
    assert "negative" in free.flags
    assert chosen.label_information == pytest.approx(0, abs=0.05)
    assert chosen.scores["accuracy"] == pytest.approx(0.5, abs=0.15)


def test_the_chosen_penalty_is_reported_and_near_the_best():
    hidden, labels = clusters(300, units=60)
    chosen = VariationalBound().estimate(hidden, labels)
    assert len(chosen.parameters["chosen_penalties"].split(", ")) == 2
    given = [VariationalBound(penalty=10.0**power).estimate(hidden, labels) for power in range(-2, 6)]
    assert "chosen_penalties" not in given[0].parameters
    best = max(point.label_information for point in given)
    assert best - 0.05 < chosen.label_information
    assert given[0].label_information < best - 0.5  # too little follows chance
    assert given[-1].label_information < best - 0.1  # too much of it sees nothing


def test_every_fold_has_its_share_of_every_class():
    labels = torch.tensor([0] * 7 + [1] * 20 + [2] * 6)
    folds = VariationalBound(folds=3)._deal(labels, 3)
    for each in range(3):
        counts = torch.bincount(folds[labels == each], minlength=3)
        assert counts.max() - counts.min() <= 1
    other = VariationalBound(folds=3, seed=1)._deal(labels, 3)
    assert not torch.equal(folds, other)


def test_labels_names_and_scales_do_not_matter():
    hidden, labels = clusters()
    plain = VariationalBound(penalty=1.0).estimate(hidden, labels)
    scaled = VariationalBound(penalty=1.0).estimate(1e3 * hidden - 5, 2 + 3 * labels)
    assert scaled.label_information == pytest.approx(plain.label_information, abs=1e-6)


def test_order_of_samples_changes_little():
    hidden, labels = clusters()
    order = torch.randperm(600, generator=torch.Generator().manual_seed(1))
    found = [
        VariationalBound(penalty=1.0).estimate(each, y)
        for each, y in ((hidden, labels), (hidden[order], labels[order]))
    ]
    error = found[0].scores["label_standard_error"]
    assert found[0].label_information == pytest.approx(found[1].label_information, abs=error)


def test_no_gradient_mode_of_the_caller_matters_and_no_generator_is_touched():
    hidden, labels = clusters(60)
    before = torch.get_rng_state()
    plain = VariationalBound(penalty=1.0).estimate(hidden.float(), labels)
    with torch.no_grad():
        assert VariationalBound(penalty=1.0).estimate(hidden.float(), labels).scores == plain.scores
    with torch.inference_mode():
        assert VariationalBound(penalty=1.0).estimate(hidden.float() * 1, labels * 1).scores == plain.scores
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_constant_layers_tell_nothing(dtype):
    point = VariationalBound(penalty=1.0).estimate(torch.full((30, 4), 0.1, dtype=dtype), torch.arange(30) % 3)
    assert point.label_information == pytest.approx(0, abs=1e-9)


def test_constant_units_change_nothing():
    hidden, labels = clusters(60)
    constants = torch.rand(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with_constant = torch.cat([hidden, constants.expand(60, -1)], 1)
    plain, other = (VariationalBound(penalty=1.0).estimate(each, labels) for each in (hidden, with_constant))
    assert plain.label_information == pytest.approx(other.label_information, abs=1e-9)


def test_units_that_vary_in_one_sample_alone_do_little():
    # In one of the two trainings they are constant.
    hidden, labels = clusters(60)
    constants = torch.rand(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64).repeat(60, 1)
    constants[7] += 1
    plain = VariationalBound(penalty=1.0).estimate(hidden, labels)
    other = VariationalBound(penalty=1.0).estimate(torch.cat([hidden, constants], 1), labels)
    assert plain.label_information == pytest.approx(other.label_information, abs=0.1)


def test_other_parameters_and_rare_classes_are_refused():
    for name, value in (("folds", 1), ("max_iterations", 0), ("seed", -1)):
        with pytest.raises(ValueError, match=f"{name}: a whole number >="):
            VariationalBound(**{name: value})
    for penalty in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=r"penalty: a finite number > 0 is required, got .*; None chooses one"):
            VariationalBound(penalty=penalty)
    with pytest.raises(TypeError, match="penalty: a finite number > 0 is required, got str 'l2'"):
        VariationalBound(penalty="l2")
    hidden, labels = clusters(16)
    with pytest.raises(ValueError, match=r"at least 6 samples of each class, .* got a class with 5; measure more"):
        VariationalBound(folds=3).estimate(hidden, labels)
    VariationalBound(folds=2).estimate(hidden, labels)
