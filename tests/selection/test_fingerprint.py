"""Reports that were not measured alike are named, with what differs and where."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from lightning_infomem.selection.fingerprint import check_fingerprints, take_fingerprint
from lightning_infomem.settings import MeasurementSettings
from tests.checkpoints.checkpoint_files import make_layer, make_report

ALIKE = make_report({"fc1": 0.5, "fc2": 0.25})


def _check(**reports):
    check_fingerprints({name: take_fingerprint(report) for name, report in reports.items()})


def _with_layer(**fields):
    return dataclasses.replace(ALIKE, layers=(make_layer("fc1", 0.5, 1.0, **fields), ALIKE["fc2"]))


def test_reports_of_the_same_measurement_are_comparable_whatever_came_out():
    other = make_report({"fc1": 3.0, "fc2": 2.0}, step=7, epoch=2, seconds=9.0, backend="cpu")
    settings = MeasurementSettings(backend="reference").to_state()
    _check(a=ALIKE, b=other, c=dataclasses.replace(ALIKE, settings=settings))


def test_dropped_rows_do_not_make_another_sample():
    _check(a=ALIKE, b=_with_layer(num_samples=97, num_dropped=3))


def test_a_layer_that_was_skipped_once_does_not_stand_in_the_way():
    _check(a=ALIKE, b=make_report({"fc1": 0.5}, skipped={"fc2": "no finite samples"}))


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (make_report({"fc1": 0.5}), r"layers: \[fc1, fc2\] in 'a' but \[fc1\] in 'b'"),
        (_with_layer(units=4), "width of layer 'fc1': 3 in 'a' but 4 in 'b'"),
        (_with_layer(units=2, width=3), r"units of layer 'fc1': \[0, 1, 2\] in 'a' but \[0, 1\] in 'b'"),
        (_with_layer(num_samples=99), "samples of layer 'fc1': 100 in 'a' but 99 in 'b'"),
        (
            dataclasses.replace(ALIKE, settings=MeasurementSettings(bins=50).to_state()),
            "settings.bins: 100 in 'a' but 50 in 'b'",
        ),
        (
            dataclasses.replace(ALIKE, settings=MeasurementSettings(value_range=(-1, 1)).to_state()),
            r"settings.value_range: network in 'a' but \[-1\.0, 1\.0\] in 'b'",
        ),
        (
            dataclasses.replace(ALIKE, settings={**ALIKE.settings, "new": 1}),
            "settings.new: not given in 'a' but 1 in 'b'",
        ),
    ],
)
def test_what_differs_is_named_with_the_files(other, difference):
    with pytest.raises(ValueError, match=difference):
        _check(a=ALIKE, b=other)


def test_many_files_and_long_values_stay_short():
    wide = make_layer("fc1", 0.5, 1.0, units=100)
    shifted = dataclasses.replace(wide, units=torch.arange(1, 101))
    reports = {f"{index}.ckpt": dataclasses.replace(ALIKE, layers=(wide,)) for index in range(9)}
    reports["odd.ckpt"] = dataclasses.replace(ALIKE, layers=(shifted,))
    with pytest.raises(ValueError, match=r"\.\.\. in '0.ckpt', '1.ckpt', '2.ckpt' and 6 more but ") as caught:
        _check(**reports)
    assert len(str(caught.value)) < 500
