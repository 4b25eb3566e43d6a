from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from lightning_infomem.information_plane import Binning, PlanePoint, QuantizedExact, QuantizedNetwork, measure_plane
from lightning_infomem.information_plane.between_layers import flag_between_layers
from lightning_infomem.information_plane.plane import measure_plane_samples

FLAG = "above_earlier_layer"


def point(input_information, label_information, kind="neither", **flags):
    return PlanePoint("Some", {}, input_information, label_information, kind, kind, 100, 2, flags=flags)


def flagged(*points):
    named = {f"layer {place}": {"Some": each} for place, each in enumerate(points)}
    return [own["Some"].flags.get(FLAG, "") for own in flag_between_layers(named).values()]


def test_what_rises_from_layer_to_layer_is_flagged_and_says_above_which():
    flags = flagged(point(4, 1), point(2, 0.5), point(3, 0.6), point(1, 0.4))
    assert [bool(each) for each in flags] == [False, False, True, False]
    assert flags[2].startswith("I(X;T) is 3 nats, above the 2 of layer 'layer 1'; I(T;Y) is 0.6 nats, above the 0.5")
    assert flagged(point(2, 1), point(2, 1), point(2 + 1e-12, 1)) == ["", "", ""]


@pytest.mark.parametrize("kind", ["lower", "upper"])
def test_bounds_may_rise(kind):
    assert flagged(point(1, 1, kind), point(2, 2, kind)) == ["", ""]
    assert flagged(point(1, 1), point(2, 2, kind)) == ["", ""]


def test_what_is_not_known_is_compared_with_nothing():
    assert flagged(point(math.nan, 0.5), point(3, 0.5), point(math.nan, 0.5)) == ["", "", ""]
    assert flagged(point(1, 1), point(math.nan, 1), point(2, 1))[2]


def test_each_estimator_is_compared_with_itself_and_other_flags_stay():
    points = {
        "a": {"One": point(1, 1), "Two": point(5, 1)},
        "b": {"One": point(4, 1, negative="so"), "Two": point(4, 1)},
    }
    found = flag_between_layers(points)
    assert set(found["b"]["One"].flags) == {"negative", FLAG}
    assert found["b"]["Two"].flags == {}
    assert replace(found["b"]["One"], flags={"negative": "so"}).input_information == 4
    assert points["b"]["One"].flags == {"negative": "so"}


def test_bins_that_follow_a_layer_that_grows_are_flagged_and_codes_of_a_quantized_network_never():
    """One unit behind another that stretches what the first has in one bin."""
    hidden = torch.cat([torch.linspace(0, 0.1, 50), torch.ones(1)])[:, None]
    labels = (hidden[:, 0] > 0.05).long()
    plane = measure_plane_samples({"a": hidden, "b": hidden.clamp(max=0.1)}, labels, [Binning(4)])
    assert list(plane.points["b"]["Binning(bins=4)"].flags) == [FLAG]
    torch.manual_seed(0)
    network = QuantizedNetwork(
        nn.Sequential(*(module for _ in range(4) for module in (nn.Linear(3, 3), nn.Tanh()))), ["1", "3", "5", "7"], 3
    )
    inputs = torch.randn(500, 3)
    codes = network.eval().measure_codes([inputs])
    exact = measure_plane_samples(codes, (inputs[:, 0] > 0).long(), [QuantizedExact(3)], inputs=inputs)
    assert not any(FLAG in own.flags for points in exact.points.values() for own in points.values())


def test_layers_come_in_the_order_of_the_network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
    inputs = torch.randn(100, 2)
    plane = measure_plane(model, [(inputs, (inputs[:, 0] > 0).long())], [Binning(2)], layers=["1", "0"])
    assert list(plane.points) == ["0", "1"]
