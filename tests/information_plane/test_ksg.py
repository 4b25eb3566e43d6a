"""Nearest neighbours, for layers of few units."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif

from lightning_infomem.functional import mutual_information
from lightning_infomem.information_plane import KSG
from tests.known_answers.gaussian import correlated_gaussians
from tests.oracles import brute_force_ksg

KNOWN = json.loads((Path(__file__).parents[1] / "data" / "closed_forms.json").read_text())


def halves(count):
    return torch.arange(count) % 2


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("correlation", ["0", "0.3", "0.5", "0.7", "0.9"])
def test_correlated_gaussians_in_two_and_two_dimensions(correlation):
    pairs = correlated_gaussians(float(correlation), num_samples=4000, num_draws=2)
    point = KSG().estimate(pairs.y, halves(4000), inputs=pairs.x)
    expected = 2 * KNOWN["gaussian_mi_nats"][correlation]
    # Over 20 seeds the bias is at most .01 and the deviation .023, both at .9: that and three deviations, less at 0.
    assert point.input_information == pytest.approx(expected, abs=0.05 + 0.03 * float(correlation))
    assert point.flags.keys() <= {"data_processing", "negative"}
    assert (point.input_kind, point.label_kind) == ("neither", "neither")


@pytest.mark.parametrize("correlation", ["0.3", "0.9"])
def test_correlated_gaussians_in_one_dimension(correlation):
    pairs = correlated_gaussians(float(correlation), num_samples=4000, num_draws=1)
    point = KSG().estimate(pairs.y, halves(4000), inputs=pairs.x)
    assert point.input_information == pytest.approx(KNOWN["gaussian_mi_nats"][correlation], abs=0.04)
    assert point.input_information == mutual_information(pairs.x[:, 0], pairs.y[:, 0]).item()


@pytest.mark.parametrize("count", [100, 400, 2500])
def test_a_copy_has_the_largest_value_for_its_samples(count):
    expected = KNOWN["ksg1_self_mi_nats(k=3): psi(N)-psi(k)"][str(count)]
    for dimensions in (1, 2, 3):
        hidden = drawn(count, dimensions)
        point = KSG().estimate(hidden, halves(count), inputs=hidden)
        assert point.input_information == pytest.approx(expected, abs=1e-12)


def test_search_by_trees_finds_what_comparing_all_points_does():
    x, t = drawn(200, 1), drawn(200, 1, seed=1)
    t = t + x
    still = torch.zeros(200, 1, dtype=torch.float64)
    by_trees = KSG(5).estimate(torch.cat([t, still], 1), halves(200), inputs=x).input_information  # two units: trees
    scaled = [((each - each.mean()) / each.std(correction=0))[:, 0].numpy() for each in (x, t)]
    assert by_trees == pytest.approx(brute_force_ksg(*scaled, 5), abs=1e-12)


@pytest.mark.parametrize("neighbors", [1, 3, 10])
@pytest.mark.parametrize("classes", [2, 5])
def test_information_on_classes_is_that_of_scikit_learn(neighbors, classes):
    labels = torch.arange(600) % classes
    hidden = drawn(600, 1) + labels[:, None]
    found = KSG(neighbors).estimate(hidden, labels).label_information
    expected = mutual_info_classif(hidden.numpy(), labels.numpy(), n_neighbors=neighbors, random_state=0)[0]
    assert found == pytest.approx(expected, abs=1e-6)  # it adds noise of 1e-10


def test_far_classes_are_fully_revealed():
    labels = torch.arange(900) % 3
    point = KSG().estimate(drawn(900, 4) + 1000 * labels[:, None], labels)
    # psi(900) - psi(300): counting estimates the entropy with the bias of digamma
    assert point.label_information == pytest.approx(digamma(900) - digamma(300), abs=1e-12)


def test_without_inputs_there_is_no_information_on_them():
    point = KSG().estimate(drawn(50, 2), halves(50))
    assert math.isnan(point.input_information)
    assert "no_inputs" in point.flags


def test_constant_layers_share_no_information():
    for dimensions in (1, 3):
        point = KSG().estimate(torch.ones(60, dimensions), halves(60), inputs=drawn(60, 2))
        assert point.input_information == pytest.approx(0, abs=1e-12)
        assert point.label_information == pytest.approx(0, abs=1e-12)
        assert "ties" in point.flags


def test_samples_that_repeat_are_counted_as_in_a_table():
    cells = torch.arange(4000) % 4
    hidden = torch.stack([cells // 2, cells % 2], 1).double()
    labels = cells // 2
    point = KSG().estimate(hidden, labels, inputs=hidden)
    assert point.input_information == pytest.approx(math.log(4), abs=1e-3)
    assert point.label_information == pytest.approx(math.log(2), abs=1e-3)
    assert "ties" in point.flags
    assert "ties" not in KSG().estimate(drawn(400, 2), halves(400), inputs=drawn(400, 2, seed=1)).flags


def test_ties_that_are_no_repetitions_are_flagged():
    grid = torch.cartesian_prod(torch.arange(20.0), torch.arange(20.0))
    point = KSG().estimate(grid, halves(400), inputs=drawn(400, 1))
    assert point.scores["tied_share"] > 0.5
    assert "ties" in point.flags


def test_neither_order_nor_scale_nor_dtype_of_samples_matters():
    hidden, inputs = drawn(300, 2).float(), drawn(300, 2, seed=1).float()
    hidden = hidden + inputs
    labels = (inputs[:, 0] > 0).long()
    order = torch.randperm(300, generator=torch.Generator().manual_seed(2))
    base = KSG().estimate(hidden, labels, inputs=inputs)
    for other in (
        KSG().estimate(hidden[order], labels[order], inputs=inputs[order]),
        KSG().estimate(hidden.double() * torch.tensor([4.0, 1024.0]), 7 - labels, inputs=inputs.double()),
        KSG().estimate(hidden.view(300, 2, 1), labels.int(), inputs=inputs.view(300, 1, 2)),
    ):
        assert other.input_information == pytest.approx(base.input_information, abs=1e-12)
        assert other.label_information == pytest.approx(base.label_information, abs=1e-12)


def test_the_fewest_samples_are_enough():
    point = KSG(1).estimate(drawn(4, 1), halves(4), inputs=drawn(4, 2))
    assert math.isfinite(point.input_information)
    assert point.num_samples == 4


def test_too_many_dimensions_are_refused_and_flagged_where_they_are_wanted():
    hidden, inputs = drawn(100, 5), drawn(100, 6)
    with pytest.raises(ValueError, match=r"max_dimensions=10 .* got 11"):
        KSG().estimate(hidden, halves(100), inputs=inputs)
    assert "many_dimensions" in KSG(max_dimensions=11).estimate(hidden, halves(100), inputs=inputs).flags
    assert "many_dimensions" not in KSG().estimate(hidden, halves(100), inputs=inputs[:, :5]).flags


def test_inputs_are_left_out_where_the_labels_alone_are_asked_for():
    hidden, inputs = drawn(100, 10), drawn(100, 784)
    point = KSG(labels_only=True).estimate(hidden, halves(100), inputs=inputs)
    assert math.isnan(point.input_information)
    assert "no_inputs" in point.flags
    assert point.label_information == KSG().estimate(hidden, halves(100)).label_information
    with pytest.raises(TypeError, match="labels_only: True or False is required, got int"):
        KSG(labels_only=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": torch.tensor([1] * 47 + [0] * 3)}, "of each class are required, got 3"),
        ({"inputs": torch.zeros(49, 2)}, r"inputs: numbers of shape \[50, ...\] are required"),
        ({"inputs": torch.full((50, 2), math.nan)}, "inputs: finite numbers are required, got 50 of 50"),
        ({"inputs": "none"}, "inputs: a tensor is required, got str"),
    ],
)
def test_samples_that_do_not_fit_are_refused(change, message):
    given = {"hidden": drawn(50, 2), "labels": halves(50), "inputs": drawn(50, 2)}
    with pytest.raises((TypeError, ValueError), match=message):
        KSG().estimate(**{**given, **change})


@pytest.mark.parametrize("field", ["neighbors", "max_dimensions"])
def test_fields_are_counts(field):
    with pytest.raises(ValueError, match=f"{field}: a whole number >= 1"):
        KSG(**{field: 0})
    with pytest.raises(TypeError, match=field):
        KSG(**{field: 2.5})
