"""Dependence graphs, and the hashes they are made of."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_infomem.information_plane import DependenceGraph
from lightning_infomem.information_plane.discrete import discrete_entropy
from lightning_infomem.information_plane.random_hash import RandomHash
from tests.known_answers import correlated_gaussians, counted_table

LABELS = torch.arange(4000) % 2


def draws(correlation, num_samples=4000):
    pair = correlated_gaussians(correlation, num_samples=num_samples, num_draws=1)
    return pair.x, pair.y, float(pair.mutual_information)


@pytest.mark.parametrize("correlation", [0.5, 0.9])
def test_information_of_gaussians_is_neither_half_nor_twice_shannons(correlation):
    x, y, truth = draws(correlation)
    point = DependenceGraph().estimate(y, LABELS, x)
    assert point.input_information == pytest.approx(truth, abs=0.05)  # cells of .4 standard deviations
    assert point.label_information < 0.01
    narrower = DependenceGraph(width=0.1).estimate(y, LABELS, x).input_information
    assert narrower > point.input_information + 0.05  # chance


@pytest.mark.parametrize("counts", [[[40, 10], [10, 40]], [[30, 5, 15], [2, 60, 3], [20, 20, 20]]])
def test_information_of_discrete_values_is_shannons(counts):
    """Terms below 0 are in it: with the bound of the public programs it would be larger."""
    pair = counted_table(counts)
    point = DependenceGraph(width=0.5).estimate(pair.x, pair.y[:, 0].long(), pair.y)
    assert point.input_information == pytest.approx(float(pair.mutual_information), abs=1e-12)
    assert point.label_information == pytest.approx(float(pair.mutual_information), abs=1e-12)


def test_a_copy_has_the_entropy():
    values = torch.tensor([0] * 10 + [1] * 20 + [2] * 30 + [3] * 40)
    point = DependenceGraph(width=0.5).estimate(values[:, None].float(), values, values[:, None])
    assert point.input_information == pytest.approx(discrete_entropy(values), abs=1e-12)
    assert point.label_information == pytest.approx(discrete_entropy(values), abs=1e-12)


def test_independent_variables_share_about_nothing():
    x, y, _ = draws(0.0)
    point = DependenceGraph().estimate(y, LABELS, x)
    assert 0 <= point.input_information < 0.05
    assert 0 <= point.label_information < 0.005
    assert "I(X;T) is" in point.flags["chance"]
    assert point.scores["shuffled_input_information"] == pytest.approx(point.input_information, abs=0.005)
    assert point.scores["shuffled_label_information"] == pytest.approx(point.label_information, abs=0.002)


def test_what_is_not_chance_has_no_flag():
    x, y, _ = draws(0.9)
    point = DependenceGraph().estimate(y, (y[:, 0] > 0).long(), x)
    assert "chance" not in point.flags
    assert point.label_information == pytest.approx(math.log(2), abs=0.1)


def test_wide_layers_are_hashed_by_random_directions():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(1280) % 4
    centres = 5 * torch.randn(4, 200, generator=generator)
    hidden = centres[labels] + torch.randn(1280, 200, generator=generator)
    point = DependenceGraph().estimate(hidden, labels, hidden[:, :3])
    assert (point.parameters["hidden_coordinates"], point.parameters["input_coordinates"]) == (7, 3)
    assert point.label_information > 0.9 * math.log(4)
    few = DependenceGraph(projections=2).estimate(hidden, labels, hidden[:, :3])
    assert (few.parameters["hidden_coordinates"], few.parameters["input_coordinates"]) == (2, 2)


def test_layers_of_few_units_are_hashed_unit_by_unit():
    hidden = torch.randn(40, 7, generator=torch.Generator().manual_seed(0))
    for units, coordinates in ((6, 6), (7, 2)):
        point = DependenceGraph(members=1).estimate(hidden[:, :units], LABELS[:40], hidden[:, :1])
        assert point.parameters["hidden_coordinates"] == coordinates


def test_directions_keep_near_samples_together():
    generator = torch.Generator().manual_seed(0)
    far = torch.randn(50, 30, generator=generator)
    hash = RandomHash(torch.cat([far, far + 1e-3]), 3)
    assert hash.coordinates == 3
    together = torch.stack([(lambda found: found[:50] == found[50:])(hash.draw(1.0, generator)) for _ in range(20)])
    assert together.double().mean() > 0.98
    apart = torch.stack([(lambda found: found[:49] == found[1:50])(hash.draw(1.0, generator)) for _ in range(20)])
    assert apart.double().mean() < 0.3


def test_width_by_the_rule_is_recorded():
    x, y, _ = draws(0.5, 100)
    point = DependenceGraph().estimate(y, LABELS[:100], x)
    assert point.parameters == {
        "width": pytest.approx(3 * 100**-0.25),
        "members": 10,
        "spread": 0.1,
        "seed": 0,
        "hidden_coordinates": 1,
        "input_coordinates": 1,
    }
    given = DependenceGraph(width=point.parameters["width"]).estimate(y, LABELS[:100], x)
    assert given.input_information == point.input_information


def test_members_of_other_widths_are_averaged():
    x, y, _ = draws(0.9, 500)
    narrow, wide, both = (
        DependenceGraph(width, members, spread).estimate(y, LABELS[:500], x).input_information
        for width, members, spread in ((0.2, 12, 0), (2.0, 12, 0), (0.2, 12, 9.0))
    )
    assert narrow > both > wide


def test_scale_and_shift_of_units_do_not_matter():
    x, y, _ = draws(0.9, 500)
    point = DependenceGraph().estimate(y, LABELS[:500], x)
    other = DependenceGraph().estimate(64 * y, LABELS[:500], x / 8)
    assert other.input_information == pytest.approx(point.input_information, abs=1e-12)


def test_seed_decides_and_the_global_random_state_stays():
    x, y, _ = draws(0.9, 500)
    before = torch.get_rng_state()
    points = [DependenceGraph(seed=seed).estimate(y, LABELS[:500], x).input_information for seed in (0, 0, 1)]
    assert torch.equal(before, torch.get_rng_state())
    assert points[0] == points[1] != points[2]


def test_order_and_precision_of_samples_do_not_matter():
    x, y, _ = draws(0.9, 500)
    x, y, labels = x.float(), y.float(), (y[:, 0] > 0.3).long()
    point = DependenceGraph().estimate(y, labels, x)
    shuffled = torch.randperm(500, generator=torch.Generator().manual_seed(1))
    other = DependenceGraph().estimate(y[shuffled].double(), labels[shuffled], x[shuffled].double())
    assert other.input_information == pytest.approx(point.input_information, abs=1e-12)
    assert other.label_information == pytest.approx(point.label_information, abs=1e-12)


def test_constant_units_change_nothing_and_a_constant_layer_tells_nothing():
    x, y, _ = draws(0.9, 500)
    point = DependenceGraph().estimate(y, LABELS[:500], x)
    padded = DependenceGraph().estimate(torch.cat([y, torch.full((500, 2), 0.1)], 1), LABELS[:500], x)
    assert padded.input_information == point.input_information
    nothing = DependenceGraph().estimate(torch.full((500, 3), 0.1), LABELS[:500], torch.full((500, 1), 3.0))
    assert (nothing.input_information, nothing.label_information) == (0, 0)
    assert nothing.parameters["hidden_coordinates"] == 0


def test_two_samples_and_feature_maps_are_enough():
    hidden, labels = torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1).expand(2, 3, 2, 2), torch.tensor([0, 1])
    point = DependenceGraph(width=1.0, spread=0).estimate(hidden, labels, hidden)
    assert (point.input_bits, point.label_bits) == pytest.approx((1, 1))
    assert point.parameters["hidden_coordinates"] == 1


def test_inputs_are_required():
    with pytest.raises(ValueError, match=r"DependenceGraph: inputs: .* got None"):
        DependenceGraph().estimate(torch.rand(4, 1), torch.arange(4))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"width": 0}, ValueError, "width: a finite number > 0 is required, got 0"),
        ({"members": 0}, ValueError, "members: a whole number >= 1"),
        ({"spread": -0.1}, ValueError, "spread: a finite number >= 0 is required, got -0.1"),
        ({"spread": "wide"}, TypeError, "spread: a finite number >= 0 is required, got str"),
        ({"projections": 0}, ValueError, "projections: a whole number >= 1"),
        ({"seed": 0.5}, TypeError, "seed: a whole number >= 0"),
    ],
)
def test_unusable_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        DependenceGraph(**settings)
