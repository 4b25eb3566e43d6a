"""Smoothness of predictions: against a search by hand, invariances, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from lightning_infomem.functional import prediction_smoothness, smoothness


def drawn(count=80, units=6, classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    samples = torch.randn(count, units, generator=generator, dtype=torch.float64)
    logits = samples[:, :classes] * 2 + torch.randn(count, classes, generator=generator, dtype=torch.float64)
    return samples, logits


def by_hand(samples, logits, neighbors):
    """One minus Geary's ratio, from scikit-learn's search and two loops; no ties."""
    units = samples / samples.std(0, correction=0)
    near = NearestNeighbors(n_neighbors=neighbors).fit(units).kneighbors(return_distance=False)
    probabilities = logits.softmax(1)
    apart = [[(one - other).square().sum() for other in probabilities] for one in probabilities]
    count = len(samples)
    among_near = sum(apart[one][other] for one in range(count) for other in near[one]) / (count * neighbors)
    among_all = sum(map(sum, apart)) / (count * (count - 1))
    return float(1 - among_near / among_all)


@pytest.mark.parametrize("neighbors", [1, 5, 20])
def test_it_is_what_a_search_by_hand_says(neighbors):
    samples, logits = drawn()
    found = prediction_smoothness(samples, logits, neighbors=neighbors)
    assert found.dtype == torch.float64
    assert found.shape == ()
    assert found.item() == pytest.approx(by_hand(samples, logits, neighbors), abs=1e-12)


def test_wrong_predictions_at_scattered_places_lower_it():
    samples, logits = drawn(400)
    bent = logits.clone()
    values = []
    for share in (0, 40, 120, 400):
        bent[:share] = logits[:share].roll(1, dims=1) + logits[:share].roll(1, dims=0)
        values.append(prediction_smoothness(samples, bent).item())
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1] + 0.1


def test_predictions_without_relation_to_the_samples_have_none():
    samples, logits = drawn(2000)
    shuffled = logits[torch.randperm(2000, generator=torch.Generator().manual_seed(1))]
    assert prediction_smoothness(samples, shuffled).item() == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(
    "change",
    [
        lambda samples: samples * torch.tensor([1e-200, 1e200, 1.0, 3.0, -2.0, 1e-3], dtype=torch.float64),
        lambda samples: torch.cat([samples, torch.full((len(samples), 2), 7.0, dtype=torch.float64)], dim=1),
        lambda samples: torch.cat([samples, torch.full((len(samples), 1), math.nan, dtype=torch.float64)], dim=1),
        lambda samples: samples + 100,
    ],
    ids=["scale", "constant units", "a unit that is nowhere finite", "shift"],
)
def test_what_tells_no_distance_changes_nothing(change):
    samples, logits = drawn()
    expected = prediction_smoothness(samples, logits).item()
    assert prediction_smoothness(change(samples), logits).item() == pytest.approx(expected, abs=1e-9)


def test_order_chunks_and_threads_change_nothing(monkeypatch):
    samples, logits = drawn(300)
    expected = prediction_smoothness(samples, logits)
    order = torch.randperm(300, generator=torch.Generator().manual_seed(2))
    assert prediction_smoothness(samples[order], logits[order]).item() == pytest.approx(expected.item(), abs=1e-12)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert prediction_smoothness(samples, logits).item() == pytest.approx(expected.item(), abs=1e-12)
    finally:
        torch.set_num_threads(before)
    monkeypatch.setattr(smoothness, "_CHUNK", 300 * 7)
    assert prediction_smoothness(samples, logits).item() == pytest.approx(expected.item(), abs=1e-12)


def test_all_that_are_as_near_count_alike():
    samples = torch.tensor([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]])
    logits = torch.tensor([[99.0, 0], [99, 0], [0, 99], [0, 99], [0, 99], [0, 99]])
    # Of the first three each has both others as near: 4 of 6 pairs differ; of the last three none. Of all 30: 16.
    assert prediction_smoothness(samples, logits, neighbors=1).item() == pytest.approx(1 - (4 / 12) / (16 / 30))


def test_predictions_that_are_all_the_same_have_no_value():
    samples, logits = drawn()
    assert math.isnan(prediction_smoothness(samples, torch.ones_like(logits)).item())


def test_units_that_are_all_constant_make_everyone_a_neighbour():
    _, logits = drawn()
    assert prediction_smoothness(torch.ones(80, 3), logits).item() == pytest.approx(0, abs=1e-12)


def test_rows_that_are_not_finite_are_left_out_of_both():
    samples, logits = drawn()
    expected = prediction_smoothness(samples[10:], logits[10:]).item()
    samples[:4, 2] = math.nan
    logits[4:10, 1] = math.inf
    assert prediction_smoothness(samples, logits).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_half_precision_is_near(dtype):
    samples, logits = drawn(500)
    expected = prediction_smoothness(samples, logits).item()
    assert prediction_smoothness(samples.to(dtype), logits.to(dtype)).item() == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("change", "fault", "message"),
    [
        ({"logits": torch.zeros(79, 4)}, ValueError, "logits: one row for each of 80 samples"),
        ({"logits": torch.zeros(80, 1)}, ValueError, "at least 2 columns are required"),
        ({"logits": torch.zeros(80, 4, dtype=torch.int64)}, TypeError, "logits: a floating-point tensor is required"),
        ({"samples": torch.zeros(80)}, ValueError, "samples: shape"),
        ({"samples": torch.full((80, 3), math.nan)}, ValueError, "more than neighbors=5 finite samples"),
        ({"neighbors": 80}, ValueError, "more than neighbors=80 finite samples"),
        ({"neighbors": 2.0}, TypeError, "neighbors: a whole number"),
    ],
)
def test_wrong_input_is_named(change, fault, message):
    samples, logits = drawn()
    arguments = {"samples": samples, "logits": logits, "neighbors": 5, **change}
    with pytest.raises(fault, match=message.replace("(", "\\(")):
        prediction_smoothness(**arguments)
