"""Which points may stand in one plane."""

from __future__ import annotations

import pytest
import torch

from lightning_infomem.information_plane import Binning, check_points


def point(bins=30, count=40, units=2, **fields):
    hidden = torch.randn(count, units, generator=torch.Generator().manual_seed(0))
    return Binning(bins, **fields).estimate(hidden, torch.arange(count) % 2)


def test_points_of_one_estimator_are_compared_whatever_the_width_of_their_layers():
    assert check_points([point(), point(units=5)]) == []
    assert check_points([]) == []


@pytest.mark.parametrize(
    ("other", "field", "difference"),
    [
        (point(bins=99), "parameters.bins", "30 in 'a', 'b' but 99 in 'c'"),
        (point(count=50), "num_samples", "40 in 'a', 'b' but 50 in 'c'"),
        (point(bin_size=0.5), "parameters.bin_size", "not given in 'a', 'b' but 0.5 in 'c'"),
    ],
)
def test_points_that_differ_are_refused_unless_the_field_is_named(other, field, difference):
    points = {"a": point(), "b": point(), "c": other}
    with pytest.raises(ValueError, match=f"points: what was measured alike .* {field}: {difference}.*allow_mismatch="):
        check_points(points)
    assert check_points(points, [field]) == [f"compared all the same: they differ in {field}: {difference}"]
    with pytest.raises(ValueError, match=field):
        check_points(points, ["estimator"])


def test_estimators_differ_in_their_parameters_too():
    from lightning_infomem.information_plane import KSG

    hidden = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    points = [point(), KSG().estimate(hidden, torch.arange(40) % 2)]
    with pytest.raises(ValueError, match="estimator: Binning in '0' but KSG in '1'"):
        check_points(points)
    fields = ["bins", "value_range", "neighbors", "max_dimensions", "labels_only"]
    notes = check_points(points, ["estimator", *(f"parameters.{field}" for field in fields)])
    assert len(notes) == 6


def test_many_names_are_cut_short():
    points = {str(number): point() for number in range(9)} | {"last": point(bins=9)}
    with pytest.raises(ValueError, match="30 in '0', '1', '2' and 6 more but 9 in 'last'"):
        check_points(points)


def test_fields_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"allow_mismatch: .* got 'bins'; nearest: parameters\.bins"):
        check_points([point()], ["bins"])
    with pytest.raises(TypeError, match="allow_mismatch: a list of fields is required, got 'estimator'"):
        check_points([point()], "estimator")
