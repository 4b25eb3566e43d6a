from __future__ import annotations

import dataclasses
import math
from functools import partial

import pytest
import torch

from lightning_infomem.information_plane import Binning, geometry, measure_geometry
from lightning_infomem.information_plane.discrete import number_rows
from lightning_infomem.information_plane.pairwise_distances import squared_distances


def drawn(num_samples=60, units=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(num_samples, units, generator=generator, dtype=torch.float64)
    return hidden, torch.randint(0, 3, (num_samples,), generator=generator)


def test_distances_are_those_of_all_pairs():
    hidden, labels = drawn()
    distances = torch.cdist(hidden, hidden)
    first, second = torch.triu_indices(60, 60, offset=1)
    pairs, same = distances[first, second], labels[first] == labels[second]
    found = measure_geometry(hidden, labels)
    assert found.diameter == pytest.approx(float(pairs.max()), rel=1e-10)
    assert found.within_class == pytest.approx(float(pairs[same].mean()), rel=1e-10)
    assert found.between_classes == pytest.approx(float(pairs[~same].mean()), rel=1e-10)
    assert (found.num_samples, found.num_units, found.bins, found.value_range) == (60, 4, 30, "layer")


@pytest.mark.parametrize("value_range", ["unit", "layer", (-1, 1)])
def test_occupied_bins_are_those_of_binning(value_range):
    hidden, labels = drawn()
    hidden[:, 2] *= 10
    codes = Binning(5, value_range).codes(hidden)
    found = measure_geometry(hidden, labels, bins=5, value_range=value_range)
    assert found.occupied_bins == sum(len(unit.unique()) for unit in codes.T) / 4
    assert found.occupied_cells == int(number_rows(codes).max()) + 1
    assert found.occupied_bins < 5 or value_range != "layer"


def test_a_shrinking_layer_leaves_bins_of_a_given_range_only():
    hidden, labels = drawn()
    wide, narrow = hidden.tanh(), hidden.tanh() / 10
    given = [measure_geometry(each, labels, value_range=(-1, 1)) for each in (wide, narrow)]
    assert given[1].diameter == pytest.approx(given[0].diameter / 10)
    assert given[1].occupied_bins <= 4 < given[0].occupied_bins  # 30 bins between -1 and 1, 4 of them near 0
    of_layer = [measure_geometry(each, labels) for each in (wide, narrow)]
    assert of_layer[0].occupied_bins == pytest.approx(of_layer[1].occupied_bins, abs=0.3)  # but for edges


def test_classes_that_become_points_have_no_distance_within():
    labels = torch.arange(40) % 4
    points = 3 + torch.randn(4, 500, generator=torch.Generator().manual_seed(0))
    found = measure_geometry(points[labels], labels)
    assert found.within_class == 0
    assert found.between_classes > 10
    assert found.occupied_cells == 4


def test_neither_order_nor_blocks_nor_dtype_matter(monkeypatch):
    hidden, labels = drawn(units=50)
    hidden = hidden.float()
    plain = measure_geometry(hidden, labels)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    shuffled = measure_geometry(hidden[order], 5 - labels[order])
    double = measure_geometry(hidden.double().reshape(60, 5, 10), labels)
    monkeypatch.setattr(geometry, "squared_distances", partial(squared_distances, memory_limit=8 * 60 * 7))
    monkeypatch.setattr(geometry, "_VALUES", 60 * 7)
    in_blocks = measure_geometry(hidden, labels)
    for other in (shuffled, double, in_blocks):
        found, expected = (
            {name: value for name, value in dataclasses.asdict(each).items() if name != "value_range"}
            for each in (other, plain)
        )
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("value_range", ["unit", "layer", (-1, 1)])
def test_constant_layers_are_points(value_range):
    found = measure_geometry(torch.full((9, 3), 0.7), torch.arange(9) % 2, value_range=value_range)
    assert (found.diameter, found.within_class, found.between_classes) == (0, 0, 0)
    assert (found.occupied_bins, found.occupied_cells) == (1, 1)


def test_two_samples_of_two_classes_have_no_distance_within():
    found = measure_geometry(torch.tensor([[0.0], [2.0]]), torch.tensor([0, 1]))
    assert math.isnan(found.within_class)
    assert (found.diameter, found.between_classes, found.occupied_cells) == pytest.approx((2, 2, 2))


def test_other_parameters_and_too_many_samples_are_refused():
    hidden, labels = drawn()
    with pytest.raises(ValueError, match="bins: a whole number >= 2"):
        measure_geometry(hidden, labels, bins=1)
    with pytest.raises(ValueError, match="value_range: one of 'unit', 'layer' is required"):
        measure_geometry(hidden, labels, value_range="all")
    with pytest.raises(ValueError, match="measure_geometry: hidden: at most 59 samples "):
        measure_geometry(hidden, labels, max_samples=59)
    with pytest.raises(ValueError, match="measure_geometry: labels: at least two classes"):
        measure_geometry(hidden, labels * 0)
