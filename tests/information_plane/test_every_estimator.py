"""What holds of every estimator of the plane."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_infomem.information_plane import (
    KSG,
    MINE,
    Binning,
    DecisionRule,
    DependenceGraph,
    KernelDensity,
    MatrixRenyi,
    MaximumEntropyBinning,
    QuantizedExact,
    SamplePropagation,
    TensorKernelRenyi,
    VariationalBound,
)

DETERMINISTIC = [
    Binning(),
    MaximumEntropyBinning(),
    KernelDensity(0.1),
    MatrixRenyi(),
    TensorKernelRenyi(),
    KSG(),
    DecisionRule(),
    QuantizedExact(),
]
DRAWING = [SamplePropagation(), VariationalBound(), DependenceGraph(), MINE(steps=30)]
EVERY = [*DETERMINISTIC, *DRAWING]


def name(estimator):
    return type(estimator).__name__


def samples(count=120, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    hidden = torch.tanh(inputs @ torch.randn(3, 2, generator=generator, dtype=torch.float64))
    return hidden.to(dtype), (inputs[:, 0] > 0).long(), inputs.to(dtype)


def coordinates(point):
    return [point.input_information, point.label_information]


@pytest.mark.parametrize("estimator", EVERY, ids=name)
def test_a_point_says_by_what_it_was_measured_and_of_what_kind_it_is(estimator):
    hidden, labels, inputs = samples()
    point = estimator.estimate(hidden, labels, inputs)
    assert point.estimator == name(estimator)
    assert (point.num_samples, point.num_units) == (120, 2)
    assert {point.input_kind, point.label_kind} <= {"exact", "lower", "upper", "neither"}
    assert all(isinstance(value, (int, float, str)) for value in point.parameters.values())
    assert math.isfinite(point.label_information)
    assert point.label_bits == pytest.approx(point.label_information / math.log(2))


@pytest.mark.parametrize("estimator", DETERMINISTIC, ids=name)
def test_the_order_of_samples_does_not_matter(estimator):
    hidden, labels, inputs = samples()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    one = coordinates(estimator.estimate(hidden, labels, inputs))
    other = coordinates(estimator.estimate(hidden[order], labels[order], inputs[order]))
    assert other == pytest.approx(one, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("estimator", EVERY, ids=name)
def test_the_same_samples_give_the_same_point_and_the_global_generator_stays(estimator):
    hidden, labels, inputs = samples()
    before = torch.random.get_rng_state()
    points = [coordinates(estimator.estimate(hidden, labels, inputs)) for _ in range(2)]
    assert points[0] == pytest.approx(points[1], rel=0, abs=0, nan_ok=True)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("estimator", EVERY, ids=name)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda hidden, labels: (
                hidden.where(hidden > -9, math.nan).index_fill(0, torch.tensor([3]), math.nan),
                labels,
            ),
            "finite",
        ),
        (lambda hidden, labels: (hidden, torch.zeros_like(labels)), "at least two classes are required"),
        (lambda hidden, labels: (hidden, labels.double() + 0.5), "integer classes are required"),
        (lambda hidden, labels: (hidden, labels[:-1]), "one class for each of the 120 samples is required"),
    ],
    ids=["not finite", "one class", "continuous labels", "too few labels"],
)
def test_samples_that_cannot_be_treated_are_an_error_that_names_the_estimator(estimator, change, message):
    hidden, labels, inputs = samples()
    hidden, labels = change(hidden, labels)
    with pytest.raises((TypeError, ValueError), match=f"(?s)^{name(estimator)}: .*{message}"):
        estimator.estimate(hidden, labels, inputs)


@pytest.mark.parametrize("estimator", EVERY, ids=name)
def test_a_constant_layer_tells_nothing_of_the_label(estimator):
    _, labels, inputs = samples()
    point = estimator.estimate(torch.full((120, 2), 0.25, dtype=torch.float64), labels, inputs)
    assert point.label_information == pytest.approx(0, abs=0.05)
    assert math.isnan(point.input_information) or point.input_information == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("estimator", EVERY, ids=name)
def test_single_precision_is_taken(estimator):
    hidden, labels, inputs = samples(dtype=torch.float32)
    assert math.isfinite(estimator.estimate(hidden, labels, inputs).label_information)
