"""Many trainings of one network."""

from __future__ import annotations

import json
import math

import pytest
import torch

from lightning_infomem.information_plane import PlanePoint, aggregate


def point(x, y=0.5, *, estimator="Binning", bins=30, samples=100, units=2):
    return PlanePoint(estimator, {"bins": bins}, x, y, "neither", "neither", samples, units)


def run(*moments, **fields):
    """Of each moment the I(X;T) of two layers; I(T;Y) is a tenth."""
    return [{"first": point(a, a / 10, **fields), "last": point(b, b / 10, **fields)} for a, b in moments]


def test_means_and_variances_are_those_over_the_runs():
    runs = [run((1.0, 4.0), (2.0, 8.0)), run((3.0, 4.0), (2.0, 2.0)), run((8.0, 4.0), (2.0, 2.0))]
    found = aggregate(runs)
    assert found.layers == ("first", "last")
    assert found.input_mean.tolist() == [[4.0, 4.0], [2.0, 4.0]]
    assert found.input_variance.tolist() == [[13.0, 0.0], [0.0, 12.0]]
    torch.testing.assert_close(found.label_mean, found.input_mean / 10)
    torch.testing.assert_close(found.label_variance, found.input_variance / 100)
    assert found.notes == ()


def test_the_mean_of_runs_leaves_as_a_table_of_moments_and_layers():
    found = aggregate([run((1.0, 4.0), (2.0, 8.0)), run((3.0, 4.0), (2.0, 2.0))])
    first, second, third, _ = found.to_records()
    assert (second["moment"], second["layer"], second["input_mean"], second["input_variance"]) == (0, "last", 4.0, 0.0)
    assert (first["label_mean"], first["label_variance"]) == (pytest.approx(0.2), pytest.approx(0.02))
    assert (third["moment"], third["layer"]) == (1, "first")
    assert json.loads(found.to_json())["distances"] == found.distances.tolist()


def test_the_run_shown_is_the_one_of_median_distance_from_the_mean():
    runs = [run((9.0, 0.0)), run((0.0, 0.0)), run((0.0, 3.0))]  # mean (3, 1)
    found = aggregate(runs)
    expected = [math.sqrt(37 * 1.01), math.sqrt(10 * 1.01), math.sqrt(13 * 1.01)]
    assert found.distances.tolist() == pytest.approx(expected, abs=1e-12)
    assert found.median_run == 2


def test_of_an_even_number_the_nearer_of_the_middle_two_is_shown():
    runs = [run((value, 0.0)) for value in (0.0, 10.0, 4.0, 5.0)]  # mean 4.75: distances 4.75, 5.25, .75, .25
    assert aggregate(runs).median_run == 2


def test_order_of_runs_changes_nothing_but_its_number():
    runs = [run((value, value)) for value in (1.0, 2.0, 4.0, 8.0, 16.0)]
    there, back = aggregate(runs), aggregate(runs[::-1])
    assert there.median_run == 4 - back.median_run
    torch.testing.assert_close(there.distances, back.distances.flip(0))


def test_values_that_are_not_finite_count_for_no_distance():
    runs = [run((1.0, 1.0)), run((math.nan, 3.0)), run((5.0, math.inf))]
    for each in runs:
        each[0]["label"] = point(0.0, 0.0)
    found = aggregate(runs)
    assert found.input_mean.isnan().tolist() == [[True, True, False]]
    assert found.distances.tolist() == pytest.approx([0.0] * 3, abs=1e-12)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"estimator": "KSG"}, "estimator: Binning in 'run 0, moment 0, first'"),
        ({"bins": 99}, r"parameters\.bins: 30 in .* but 99 in 'run 1, moment 0, first'"),
        ({"samples": 99}, "num_samples: 100 in"),
        ({"units": 3}, r"num_units: \[first 2, last 2\] in 'run 0' but \[first 3, last 3\] in 'run 1'"),
    ],
)
def test_runs_that_were_measured_otherwise_are_refused_unless_the_field_is_named(fields, message):
    runs = [run((1.0, 1.0)), run((3.0, 3.0), **fields)]
    with pytest.raises(ValueError, match=message):
        aggregate(runs)
    name = {"estimator": "estimator", "bins": "parameters.bins", "samples": "num_samples", "units": "num_units"}
    found = aggregate(runs, [name[next(iter(fields))]])
    assert found.input_mean.tolist() == [[2.0, 2.0]]
    assert len(found.notes) == 1


def test_of_different_networks_only_common_layers_are_aggregated_and_only_on_request():
    runs = [run((1.0, 1.0)), run((3.0, 3.0))]
    runs[1][0]["middle"] = runs[1][0].pop("first")
    with pytest.raises(ValueError, match=r"runs: .* layers: \[first, last\] in 'run 0, moment 0' but \[last, middle\]"):
        aggregate(runs)
    assert aggregate(runs, ["layers"]).layers == ("last",)
    del runs[1][0]["last"]
    with pytest.raises(ValueError, match="a layer that all have is required"):
        aggregate(runs, ["layers"])


def test_runs_without_a_mean_are_refused():
    with pytest.raises(ValueError, match="at least two are required, got 1"):
        aggregate([run((1.0, 1.0))])
    with pytest.raises(ValueError, match=r"as many moments in each.* got \[1, 2\]"):
        aggregate([run((1.0, 1.0)), run((1.0, 1.0), (2.0, 2.0))])
    with pytest.raises(ValueError, match=r"at least one, are required, got \[0, 0\]"):
        aggregate([[], []])


def test_fields_that_are_none_are_refused():
    runs = [run((1.0, 1.0)), run((3.0, 3.0))]
    with pytest.raises(ValueError, match=r"allow_mismatch: .* got 'samples'"):
        aggregate(runs, ["samples"])
    with pytest.raises(TypeError, match="allow_mismatch: a list of fields"):
        aggregate(runs, "layers")
