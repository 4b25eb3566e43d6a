from __future__ import annotations

import itertools
import json
import math

import pytest
import torch
from torch import nn

from examples.information_plane import szt_measuring
from examples.information_plane.szt import szt_data
from examples.information_plane.szt_measuring import Run, activations, measure
from examples.information_plane.szt_training import LAYERS, LORENZEN, SHWARTZ_ZIV, Variant, learnt_rows, train
from lightning_infomem.information_plane.geometry import measure_geometry

TANH = Variant("tanh", nn.Tanh, SHWARTZ_ZIV)
RELU = Variant("relu", nn.ReLU, SHWARTZ_ZIV)
ROUNDED = Variant("rounded", nn.ReLU, LORENZEN, bits=8)


@pytest.fixture
def quick(monkeypatch):
    """The geometry of some samples."""
    monkeypatch.setattr(
        szt_measuring,
        "measure_geometry",
        lambda hidden, labels, **how: measure_geometry(hidden[:64], labels[:64], **how),
    )


def measured(variant, epochs=1):
    course = train([variant], [2], epochs)[0][0]
    return course, measure(variant, 2, course)


def test_tanh_layers_and_the_output_are_sorted_into_the_bins_of_the_authors(quick):
    course, runs = measured(TANH)
    run = runs["tanh-30-bins"]
    assert list(runs) == ["tanh-30-bins", "tanh-100-bins", "tanh-256-bins"]
    assert [plane.epoch for plane in run.planes] == [0, 1]
    for plane in run.planes:
        assert list(plane.points) == list(LAYERS)
        (point,) = plane.points["output"].values()
        assert (point.parameters["bins"], point.parameters["value_range"]) == (30, "(-1, 1)")
        assert point.num_samples == 4096
    for bins in (100, 256):
        found = runs[f"tanh-{bins}-bins"].points("hidden 5")[0]
        assert (found.parameters["bins"], found.parameters["value_range"]) == (bins, "(-1, 1)")
        assert found.input_information > run.points("hidden 5")[0].input_information
    outputs = activations(course[-1][1])["output"]
    _, labels = szt_data()
    right = (outputs.argmax(1) == labels)[learnt_rows(TANH, 2)].double().mean().item()
    assert run.accuracy[0] == pytest.approx(right)
    assert run.accuracy[0] != run.accuracy[1]


def test_relu_layers_have_bins_of_the_run_and_bins_of_the_moment(quick):
    course, runs = measured(RELU)
    of_run, of_moment = runs["relu-100-bins"], runs["relu-100-bins-of-the-moment"]
    highest = max(float(hidden.max()) for _, network in course for hidden in activations(network).values())
    for layer in LAYERS:
        for bins in (30, 100, 256):
            points = runs[f"relu-{bins}-bins"].points(layer)
            assert {point.parameters["value_range"] for point in points} == {str((0.0, highest))}
            assert {point.parameters["bins"] for point in points} == {bins}
        assert {point.parameters["value_range"] for point in of_moment.points(layer)} == {"layer"}
    assert of_run.points("output")[0].input_information < of_moment.points("output")[0].input_information


def test_information_of_rounded_networks_is_exact_and_falls_from_layer_to_layer(quick):
    _, runs = measured(ROUNDED)
    for plane in runs["rounded"].planes:
        points = [next(iter(plane.points[layer].values())) for layer in LAYERS]
        assert {point.input_kind for point in points} == {"exact"}
        assert not any("not_deterministic" in point.flags for point in points)
        for before, after in itertools.pairwise(points):
            assert after.input_information <= before.input_information + 1e-12
            assert after.label_information <= before.label_information + 1e-12
        assert points[0].input_information <= math.log(4096) + 1e-12


def test_geometry_is_that_of_the_highest_point_and_of_the_last(quick):
    course, runs = measured(TANH, 2)
    run, (_, labels) = runs["tanh-30-bins"], szt_data()
    informations = [point.input_information for point in run.points("hidden 5")]
    assert run.highest("hidden 5") == informations.index(max(informations))
    for found, moment in zip(run.geometry["hidden 5"], (run.highest("hidden 5"), -1), strict=True):
        hidden = activations(course[moment][1])["hidden 5"]
        assert found == measure_geometry(hidden[:64], labels[:64], value_range=(-1, 1))


def test_a_run_comes_back_from_its_state(quick):
    _, runs = measured(TANH)
    state = json.loads(json.dumps(runs["tanh-30-bins"].to_state()))
    back = Run.from_state(state)
    assert json.dumps(back.to_state()) == json.dumps(runs["tanh-30-bins"].to_state())
    assert back.accuracy == runs["tanh-30-bins"].accuracy
    assert back.points("output")[0].input_bits == runs["tanh-30-bins"].points("output")[0].input_bits
    assert torch.tensor(back.geometry["output"][0].within_class) > 0
