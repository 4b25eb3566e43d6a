"""Planes: all layers, several estimators, and what a probe must hold."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from lightning_infomem.information_plane import Binning, PlanePoint
from lightning_infomem.information_plane.flags import flags_of
from lightning_infomem.information_plane.plane import Plane, Probe, measure_plane
from lightning_infomem.information_plane.plane_samples import check_plane_samples

INPUTS = torch.linspace(-1, 1, 64)[:, None]
LABELS = (INPUTS[:, 0] > 0).long()


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 2))


def batches():
    return list(zip(INPUTS.split(10), LABELS.split(10), strict=True))


def test_a_plane_leaves_as_a_table_with_what_was_not_measured_below():
    known = PlanePoint("Binning", {}, 1.5, math.nan, "exact", "lower", 64, 3, flags={"saturated": "of all samples"})
    plane = Plane({"fc": {"Binning": known}}, {"fc": {"KSG": "too few"}}, {"lstm": "not called"}, epoch=3)
    assert json.loads(plane.to_table().to_json()) == {
        "title": "epoch 3, nats",
        "rows": [
            {
                "layer": "fc",
                "estimator": "Binning",
                "input_information": 1.5,
                "input_kind": "exact",
                "label_information": None,
                "label_kind": "lower",
                "samples": 64,
                "units": 3,
                "flags": "saturated",
            }
        ],
        "notes": ["saturated: of all samples", "fc, KSG: too few", "skipped lstm: not called"],
    }
    assert json.loads(plane.to_json())["points"]["fc"]["Binning"]["label_information"] is None
    assert next(line for line in str(plane).splitlines() if line.startswith("fc")).split() == [
        *("fc", "Binning", "1.5000", "exact", "-", "lower", "64", "3", "saturated")
    ]


def test_layers_are_measured_on_all_samples_in_the_order_of_the_probe():
    model = network()
    plane = measure_plane(model, batches(), [Binning(8, "unit")], layers=["0", "1"])
    assert list(plane.points) == ["0", "1"]
    for name, module in (("0", model[:1]), ("1", model[:2])):
        direct = Binning(8, "unit").estimate(module(INPUTS), LABELS)
        (point,) = plane.points[name].values()
        assert point.input_information == direct.input_information
        assert point.label_information == direct.label_information
        assert (point.num_samples, point.num_units) == (64, 3)
    assert plane.of("Binning(bins=8, value_range=unit)") == {
        name: next(iter(own.values())) for name, own in plane.points.items()
    }
    with pytest.raises(ValueError, match=r"one of Binning\(bins=8, value_range=unit\) is required, got 'Binning'"):
        plane.of("Binning")


def test_labels_are_found_by_key_and_by_function():
    by_key = [{"x": inputs, "y": labels} for inputs, labels in batches()]
    planes = [
        measure_plane(network(), batches(), [Binning()], layers=["1"]),
        measure_plane(network(), by_key, [Binning()], layers=["1"], labels="y", forward=lambda m, b: m(b["x"])),
        measure_plane(network(), batches(), [Binning()], layers=["1"], labels=lambda batch: batch[1]),
    ]
    assert len({plane.points["1"]["Binning"].label_information for plane in planes}) == 1


def test_a_plane_travels_as_plain_state():
    plane = measure_plane(network(), batches(), [Binning(), Binning(4)], layers=["0"])
    state = json.loads(json.dumps(plane.to_state()))
    back = Plane.from_state(state)
    assert back.to_state() == plane.to_state()
    assert isinstance(back.points["0"]["Binning"], PlanePoint)


def test_a_plane_keeps_how_its_samples_were_caught():
    plane = measure_plane(network(), batches(), [Binning()], layers=["0", "1"], pooling="mean", split="held out")
    assert plane.modules == {"0": "Linear", "1": "Tanh"}
    state = plane.to_state()
    back = Plane.from_state(state)
    assert (back.modules, back.pooling, back.split) == (plane.modules, "mean", "held out")
    older = Plane.from_state(
        {name: value for name, value in state.items() if name not in ("modules", "pooling", "split")}
    )
    assert (older.modules, older.pooling, older.split) == ({}, None, None)
    assert list(older.points) == ["0", "1"]


@pytest.mark.parametrize(
    "change", [{"state_version": 2}, {"points": {"0": {"Binning": {"estimator": 1}}}}, {"points": 3}]
)
def test_a_damaged_plane_is_an_error(change):
    state = measure_plane(network(), batches(), [Binning()], layers=["0"]).to_state()
    with pytest.raises(ValueError, match=r"damaged"):
        Plane.from_state({**state, **change})


def test_a_probe_leaves_inputs_and_labels_behind_each_time_it_passes():
    probe = Probe(batches())
    for _ in range(2):
        assert len(list(probe)) == 7
        assert torch.equal(probe.labels, LABELS)
        assert torch.equal(probe.inputs, INPUTS)


@pytest.mark.parametrize(
    ("hidden", "labels", "message"),
    [
        (torch.zeros(4), torch.zeros(4, dtype=torch.long), r"hidden: floats of shape \[samples, units\] are required"),
        (torch.zeros(4, 2), torch.zeros(4), "labels: integer classes are required"),
        (torch.zeros(4, 2), torch.arange(3), "labels: one class for each of the 4 samples is required"),
        (
            torch.zeros(4, 2),
            torch.ones(4, dtype=torch.long),
            r"labels: at least two classes are required, got only \[1\]",
        ),
        (torch.tensor([[1.0], [math.nan], [2.0]]), torch.arange(3), "got 1 of 3 samples that are not"),
        (torch.zeros(1, 2), torch.zeros(1, dtype=torch.long), "at least 2 samples are required, got 1"),
        ([[1.0]], torch.arange(3), "hidden: a tensor is required, got list"),
    ],
)
def test_samples_that_no_estimator_can_treat_are_named(hidden, labels, message):
    with pytest.raises((TypeError, ValueError), match=f"Binning: .*{message}"):
        check_plane_samples(hidden, labels, estimator="Binning")


def test_classes_are_numbered_from_zero_whatever_they_are_called():
    assert check_plane_samples(torch.zeros(3, 1), torch.tensor([7, -2, 7]), estimator="X")[1].tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("input_information", "label_information", "names"),
    [
        (1.0, 0.5, []),
        (0.995 * math.log(100), 0.5, ["saturated"]),
        (0.3, 0.5, ["data_processing"]),
        (1.0, 0.8, ["above_label_entropy"]),
        (1.0, -0.1, ["negative"]),
    ],
)
def test_what_is_doubtful_of_a_point_is_flagged(input_information, label_information, names):
    flags = flags_of(input_information, label_information, num_samples=100, label_entropy=math.log(2))
    assert list(flags) == names
