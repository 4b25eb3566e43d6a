"""One number a layer, whatever is missing in it."""

from __future__ import annotations

import dataclasses
import math

import torch

from lightning_infomem.records import InformationReport
from lightning_infomem.selection.criteria import mean_entropy, mean_mutual_information
from tests.selection.checkpoint_files import make_layer, make_report


def _report(layer):
    return InformationReport(layers=(layer,), settings={}, backend="reference")


def test_every_layer_has_its_own_means():
    report = make_report({"a": 0.25, "b": 4.0}, {"a": 1.5, "b": 0.5})
    assert mean_entropy(report) == {"a": 1.5, "b": 0.5}
    assert mean_mutual_information(report) == {"a": 0.25, "b": 4.0}


def test_the_diagonal_and_missing_values_are_left_out_of_the_means():
    information = torch.tensor([[9.0, 1.0, math.nan], [1.0, 9.0, 2.0], [math.nan, 2.0, 9.0]], dtype=torch.float64)
    entropy = torch.tensor([1.0, 2.0, math.nan], dtype=torch.float64)
    layer = dataclasses.replace(make_layer("a", 0.0, 0.0), mutual_information=information, entropy=entropy)
    assert mean_mutual_information(_report(layer)) == {"a": 1.5}
    assert mean_entropy(_report(layer)) == {"a": 1.5}


def test_a_layer_without_finite_values_gives_nan():
    report = _report(make_layer("a", math.nan, math.nan))
    assert math.isnan(mean_entropy(report)["a"])
    assert math.isnan(mean_mutual_information(report)["a"])
