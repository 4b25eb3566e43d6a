"""Matrix-based Renyi information, and the Gram matrices and entropies it is made of."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_infomem.information_plane import MatrixRenyi, gaussian_gram, matrix_entropy
from lightning_infomem.information_plane.gaussian_gram import (
    distance_rows,
    label_gram,
    rule_width,
    squared_distances,
)

GOLDEN = Path(__file__).parents[1] / "data" / "renyi_matrix.npz"
BIT = math.log(2)
ORDERS = [0.5, 1, 1.01, 2, 5]


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN)


@pytest.fixture(scope="module")
def samples(golden):
    return tuple(torch.from_numpy(golden[name]) for name in ("T", "labels", "X"))


def shannon(golden):
    widths = golden["wick_sigma_x_y_t"].tolist()
    return MatrixRenyi(order=1, input_width=widths[0], label_width=widths[1], hidden_width=widths[2])


def test_kernels_are_those_of_the_public_program(golden, samples):
    hidden, labels, inputs = samples
    torch.testing.assert_close(gaussian_gram(inputs, 8), torch.from_numpy(golden["wick_K_x"]), rtol=0, atol=1e-13)
    torch.testing.assert_close(gaussian_gram(hidden, 1), torch.from_numpy(golden["wick_K_t"]), rtol=0, atol=1e-13)
    torch.testing.assert_close(label_gram(labels, 0.1), torch.from_numpy(golden["wick_K_y"]), rtol=1e-12, atol=0)


def test_shannon_limit_gives_the_numbers_of_the_public_program(golden, samples):
    hidden, labels, inputs = samples
    point = shannon(golden).estimate(hidden, labels, inputs)
    assert point.input_bits == pytest.approx(float(golden["wick_I_xt"]), abs=1e-9)
    assert point.label_bits == pytest.approx(float(golden["wick_I_ty"]), abs=1e-9)
    names = {"input": "x", "hidden": "t", "label": "y", "input_joint": "xt", "label_joint": "ty"}
    for ours, theirs in names.items():
        assert point.scores[f"{ours}_entropy"] / BIT == pytest.approx(float(golden[f"wick_S_{theirs}"]), abs=1e-9)


@pytest.mark.parametrize("order", [0.5, 1.01, 2.0, 5.0])
def test_orders_give_the_numbers_of_the_public_program(golden, samples, order):
    hidden, labels, inputs = samples
    squared_x, squared_t = golden["yu_sigma_x_t"].tolist()  # exp(-d^2 / sigma)
    estimator = MatrixRenyi(order, math.sqrt(squared_x), math.sqrt(squared_t))
    scores = estimator.estimate(hidden, labels, inputs).scores
    for ours, theirs in {"input": "x", "hidden": "t", "input_joint": "xt"}.items():
        assert scores[f"{ours}_entropy"] / BIT == pytest.approx(float(golden[f"yu_S_{theirs}_a{order}"]), abs=1e-9)
    grams = gaussian_gram(inputs, math.sqrt(squared_x)), gaussian_gram(hidden, math.sqrt(squared_t))
    assert matrix_entropy(*grams, order=order) == pytest.approx(scores["input_joint_entropy"], abs=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_closed_forms_hold_at_every_order(order):
    identity, ones = torch.eye(12, dtype=torch.float64), torch.ones(12, 12, dtype=torch.float64)
    blocks = torch.block_diag(*torch.ones(3, 4, 4, dtype=torch.float64))
    assert matrix_entropy(identity, order=order) == pytest.approx(math.log(12), abs=1e-12)
    assert matrix_entropy(ones, order=order) == pytest.approx(0, abs=1e-6 if order < 1 else 1e-12)
    assert matrix_entropy(blocks, order=order) == pytest.approx(math.log(3), abs=1e-6 if order < 1 else 1e-12)
    with_itself = 2 * matrix_entropy(identity, order=order) - matrix_entropy(identity, identity, order=order)
    assert with_itself == pytest.approx(math.log(12), abs=1e-12)


@pytest.mark.parametrize("order", ORDERS)
def test_labels_of_unequal_frequencies_have_the_entropy_of_their_gram_matrix(order):
    labels = torch.tensor([0, 0, 0, 1, 2, 2, 1, 1, 1])
    hidden = torch.zeros(9, 1)
    found = MatrixRenyi(order, label_width=0.9).estimate(hidden, labels, hidden).scores["label_entropy"]
    assert found == pytest.approx(matrix_entropy(label_gram(labels, 0.9), order=order), abs=1e-7)


def test_shannons_limit_is_the_limit_of_orders(samples):
    gram = gaussian_gram(samples[0], 1.0)
    near = (matrix_entropy(gram, order=1 + 1e-5) + matrix_entropy(gram, order=1 - 1e-5)) / 2
    assert matrix_entropy(gram, order=1) == pytest.approx(near, abs=1e-6)


def test_order_two_needs_no_eigenvalues(samples, monkeypatch):
    hidden, labels, inputs = samples
    near = MatrixRenyi(2 + 1e-9, 2.0, 1.0, 0.9).estimate(hidden, labels, inputs)
    monkeypatch.setattr(torch.linalg, "eigvalsh", None)
    point = MatrixRenyi(2, 2.0, 1.0, 0.9).estimate(hidden, labels, inputs)
    assert point.input_information == pytest.approx(near.input_information, abs=1e-7)
    assert point.label_information == pytest.approx(near.label_information, abs=1e-7)


@pytest.mark.parametrize("order", ORDERS)
def test_a_copy_has_the_entropy_and_independent_values_have_none(order):
    pairs = torch.cartesian_prod(torch.arange(4), torch.arange(3)).repeat(3, 1)
    one, other = pairs[:, :1].double(), pairs[:, 1]
    estimator = MatrixRenyi(order, 0.1, 0.1)
    copied = estimator.estimate(one, pairs[:, 0], one)
    assert copied.input_information == pytest.approx(math.log(4), abs=1e-6)
    assert copied.label_information == pytest.approx(math.log(4), abs=1e-6)
    independent = estimator.estimate(one, other, other[:, None])
    assert independent.input_information == pytest.approx(0, abs=1e-6)
    assert independent.label_information == pytest.approx(0, abs=1e-6)


def test_independent_gaussians_share_little():
    generator = torch.Generator().manual_seed(0)
    hidden, inputs = torch.randn(2, 500, 1, generator=generator)
    point = MatrixRenyi(1, 1.0, 1.0).estimate(hidden, torch.arange(500) % 2, inputs)
    assert 0 <= point.input_information < 0.06
    assert 0 <= point.label_information < 0.02
    assert MatrixRenyi(1, 1.0, 1.0).estimate(inputs, torch.arange(500) % 2, inputs).input_information > 1


def test_maps_as_variables_of_one_width_are_the_flattened_layer():
    maps = torch.randn(20, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    joint = matrix_entropy(*(gaussian_gram(maps[:, each], 2.0) for each in range(3)))
    assert joint == pytest.approx(matrix_entropy(gaussian_gram(maps, 2.0)), abs=1e-10)


def test_widths_by_the_rule_are_recorded(samples):
    hidden, labels, inputs = samples
    point = MatrixRenyi().estimate(hidden, labels, inputs)
    assert point.parameters["hidden_width"] == rule_width(hidden)
    assert point.parameters["input_width"] == rule_width(inputs)
    assert (point.parameters["order"], point.parameters["label_width"]) == (1.01, 0.1)
    given = MatrixRenyi(input_width=rule_width(inputs), hidden_width=rule_width(hidden))
    assert given.estimate(hidden, labels, inputs).input_information == point.input_information


def test_rule_of_one_unit_is_silvermans():
    column = torch.linspace(0, 3, 50)[:, None]
    silverman = (4 / (3 * 50)) ** 0.2 * float(column.double().std())
    assert rule_width(column) == pytest.approx(math.sqrt(2) * silverman, rel=1e-6)
    assert rule_width(10 * column) == pytest.approx(10 * rule_width(column), rel=1e-6)
    assert rule_width(torch.ones(5, 3)) == 1


@pytest.mark.parametrize("order", [1.01, 2])
def test_a_constant_layer_tells_nothing(order):
    inputs, labels = torch.arange(8.0)[:, None], torch.arange(8) % 2
    point = MatrixRenyi(order).estimate(torch.full((8, 5), 3.0), labels, inputs)
    assert point.input_information == pytest.approx(0, abs=1e-10)
    assert point.label_information == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("order", [1.01, 2])
def test_two_samples_are_enough(order):
    hidden, labels = torch.tensor([[0.0], [100.0]]), torch.tensor([0, 1])
    point = MatrixRenyi(order, 1.0, 1.0).estimate(hidden, labels, hidden)
    assert (point.input_information, point.label_information) == pytest.approx((BIT, BIT), abs=1e-9)
    assert "saturated" in point.flags


@pytest.mark.parametrize("order", [1.01, 2])
def test_order_and_precision_of_samples_do_not_matter(samples, order):
    hidden, labels, inputs = samples[0].float(), samples[1], samples[2].float()
    estimator = MatrixRenyi(order)
    point, doubled = estimator.estimate(hidden, labels, inputs), estimator.estimate(hidden.double(), labels, inputs)
    assert point.input_information == pytest.approx(doubled.input_information, abs=1e-12)
    shuffled = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    other = estimator.estimate(hidden[shuffled], labels[shuffled], inputs[shuffled])
    assert other.input_information == pytest.approx(point.input_information, abs=1e-10)
    assert other.label_information == pytest.approx(point.label_information, abs=1e-10)


def test_distances_in_chunks_are_the_distances():
    samples = torch.randn(41, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 1000
    exact = (samples[:, None] - samples[None]).square().sum(-1)
    torch.testing.assert_close(squared_distances(samples), exact, rtol=1e-10, atol=1e-10)
    for chunk in (1, 8, 41, 100):
        pieces = torch.cat([block for _, block in distance_rows(samples, chunk=chunk)])
        torch.testing.assert_close(pieces, exact, rtol=1e-10, atol=1e-10)
        assert not pieces.diagonal().any()


def test_too_many_samples_are_refused():
    hidden, labels = torch.zeros(4097, 1), torch.arange(4097) % 2
    with pytest.raises(ValueError, match=r"MatrixRenyi: hidden: at most 4096 samples .* got 4097"):
        MatrixRenyi().estimate(hidden, labels, hidden)
    many = torch.zeros(32769, 1)
    with pytest.raises(ValueError, match="at most 32768 samples are required, got 32769: distances of all pairs"):
        MatrixRenyi(2).estimate(many, torch.arange(32769) % 2, many)
    small = MatrixRenyi(2, max_samples=20)
    with pytest.raises(ValueError, match="at most 20 samples are required, got 21"):
        small.estimate(hidden[:21], labels[:21], hidden[:21])
    assert replace(small, max_samples=None).estimate(hidden[:21], labels[:21], hidden[:21]).num_samples == 21


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (None, ValueError, "MatrixRenyi: inputs: .* got None"),
        ([[1.0]] * 4, TypeError, "MatrixRenyi: inputs: a tensor is required, got list"),
        (torch.zeros(3, 1), ValueError, r"inputs: numbers of shape \[4, \.\.\.\] are required"),
        (torch.zeros(4), ValueError, "inputs: numbers of shape"),
        (torch.zeros(4, 0), ValueError, "inputs: numbers of shape"),
        (torch.tensor([[0.0], [math.nan], [0.0], [0.0]]), ValueError, "got 1 of 4 samples that are not"),
    ],
)
def test_unusable_inputs_are_refused(inputs, error, message):
    with pytest.raises(error, match=message):
        MatrixRenyi().estimate(torch.zeros(4, 1), torch.tensor([0, 1, 0, 1]), inputs)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"order": 0}, ValueError, "order: a finite number > 0 is required, got 0"),
        ({"order": "1"}, TypeError, "order: a finite number > 0 is required, got str"),
        ({"input_width": -1.0}, ValueError, "input_width: a finite number > 0 is required, got -1.0"),
        ({"hidden_width": math.inf}, ValueError, "hidden_width: a finite number > 0 is required, got inf"),
        ({"hidden_width": "rule"}, TypeError, "hidden_width: a finite number > 0 is required, got str"),
        ({"label_width": None}, TypeError, "label_width: a finite number > 0 is required, got None"),
        ({"label_width": 0}, ValueError, "label_width: a finite number > 0 is required, got 0"),
        ({"max_samples": 1}, ValueError, "max_samples: a whole number >= 2"),
    ],
)
def test_unusable_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        MatrixRenyi(**settings)


def test_matrices_of_other_samples_are_refused():
    with pytest.raises(ValueError, match="grams: one or more square matrices"):
        matrix_entropy(torch.eye(3), torch.eye(4))
    with pytest.raises(ValueError, match="grams: one or more square matrices"):
        matrix_entropy()
    with pytest.raises(ValueError, match="grams: one or more square matrices"):
        matrix_entropy(torch.ones(3, 4))
