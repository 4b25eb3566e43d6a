"""Bins of equally many values."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_infomem.information_plane import MaximumEntropyBinning

CLOSED = json.loads((Path(__file__).parents[1] / "data" / "closed_forms.json").read_text())


def normal(samples, units, seed=0):
    return torch.randn(samples, units, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def classes(samples, count=2):
    return torch.arange(samples) % count


@pytest.mark.parametrize(("samples", "bins"), [(60, 2), (60, 30), (99, 3), (4096, 256), (30, 30)])
def test_units_without_ties_have_the_largest_entropy_exactly(samples, bins):
    assert "per-neuron entropy = log2 m exactly" in CLOSED["maxent_binning"]
    hidden = normal(samples, 3).exp() * torch.tensor([1e-9, 1.0, 1e9])
    point = MaximumEntropyBinning(bins, "unit").estimate(hidden, classes(samples))
    assert point.scores["mean_unit_entropy"] == pytest.approx(math.log(bins), abs=1e-13)
    alone = MaximumEntropyBinning(bins, "unit").estimate(hidden[:, :1], classes(samples))
    assert alone.input_information == pytest.approx(math.log(bins), abs=1e-13)
    assert alone.input_kind == alone.label_kind == "neither"


@pytest.mark.parametrize("edges", ["unit", "layer"])
@pytest.mark.parametrize(("samples", "bins"), [(50, 7), (41, 3), (10, 30)])
def test_codes_are_the_shares_of_lower_values(edges, samples, bins):
    hidden = normal(samples, 4).mul(2).round()  # many ties
    codes = MaximumEntropyBinning(bins, edges)._codes(hidden).numpy()
    values = hidden.numpy()
    for unit in range(4):
        pool = values[:, unit] if edges == "unit" else values.ravel()
        lower = np.array([(pool < value).sum() for value in values[:, unit]])
        assert codes[:, unit].tolist() == (lower * bins // len(pool)).tolist()


def test_equal_values_share_the_lowest_of_their_bins():
    hidden = torch.tensor([[0.0]] * 6 + [[1.0], [2.0], [3.0], [4.0]])
    assert MaximumEntropyBinning(5, "unit")._codes(hidden)[:, 0].tolist() == [0] * 6 + [3, 3, 4, 4]
    point = MaximumEntropyBinning(5, "unit").estimate(hidden, classes(10))
    assert point.scores["mean_unit_entropy"] == pytest.approx(-0.6 * math.log(0.6) - 0.4 * math.log(0.2))


def test_what_keeps_the_order_of_values_changes_nothing():
    hidden = normal(80, 3)
    for edges in ("unit", "layer"):
        estimator = MaximumEntropyBinning(4, edges)
        before, after = (estimator.estimate(each, classes(80)) for each in (hidden, hidden.exp() * 100))
        assert before.input_information == after.input_information
        assert before.label_information == after.label_information


def test_edges_of_units_and_of_the_layer_differ():
    hidden = torch.tensor([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0], [3.0, 13.0]])
    by_unit, by_layer = (MaximumEntropyBinning(2, each).estimate(hidden, classes(4)) for each in ("unit", "layer"))
    assert by_unit.input_information == pytest.approx(math.log(2))
    assert by_layer.input_information == pytest.approx(0, abs=1e-15)


def test_order_of_samples_and_type_do_not_matter():
    hidden, labels = normal(90, 3).float(), classes(90, 3)
    rows = torch.randperm(90, generator=torch.Generator().manual_seed(1))
    point = MaximumEntropyBinning(3).estimate(hidden, labels)
    moved = MaximumEntropyBinning(3).estimate(hidden[rows].double(), labels[rows])
    assert moved.input_information == pytest.approx(point.input_information, abs=1e-13)
    assert moved.label_information == pytest.approx(point.label_information, abs=1e-13)
    assert point.parameters == {"bins": 3, "edges": "layer"}


def test_a_constant_layer_tells_nothing():
    for samples in (2, 9):
        point = MaximumEntropyBinning(2, "unit").estimate(torch.full((samples, 2), 3.0), classes(samples))
        assert point.input_information == point.label_information == point.scores["mean_unit_entropy"] == 0


@pytest.mark.parametrize(
    ("given", "fault", "message"),
    [
        ({"bins": 1}, ValueError, "bins: a whole number >= 2 is required, got 1"),
        ({"bins": 2.5}, TypeError, "bins: a whole number"),
        ({"edges": "layers"}, ValueError, "did you mean 'layer'"),
    ],
)
def test_parameters_are_checked(given, fault, message):
    with pytest.raises(fault, match=message):
        MaximumEntropyBinning(**given)
