"""Binning, and what all estimators of the plane share."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_infomem.information_plane import Binning

GOLDEN = Path(__file__).parents[1] / "data" / "ibsgd_kde_binning.npz"


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN)


@pytest.mark.parametrize("size", ["0.07", "0.5", "0.01"])
def test_bins_of_a_size_give_the_numbers_of_the_public_program(golden, size):
    hidden, labels = torch.from_numpy(golden["activity"]), torch.from_numpy(golden["labels"])
    point = Binning(bin_size=float(size)).estimate(hidden, labels)
    found = point.input_information, point.label_information
    assert found == pytest.approx(golden[f"bin2_size{size}"].tolist(), abs=1e-12)
    assert point.parameters == {"bins": 30, "value_range": "layer", "bin_size": float(size)}


@pytest.mark.parametrize("bins", [30, 100])
def test_bins_of_a_range_give_the_numbers_of_the_public_program(golden, bins):
    hidden, labels = torch.from_numpy(golden["activity"]), torch.from_numpy(golden["labels"])
    point = Binning(bins, (-1, 1)).estimate(hidden, labels)
    assert point.input_information == pytest.approx(float(golden[f"bin1_{bins}"]), abs=1e-12)


def test_ranges_of_units_and_layers_differ():
    hidden = torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 9.0], [0.0, 10.0], [100.0, 0.0], [100.0, 10.0]])
    labels = torch.tensor([0, 0, 1, 1, 0, 1])
    by_unit, by_layer = (Binning(2, each).estimate(hidden, labels) for each in ("unit", "layer"))
    assert by_unit.input_information == pytest.approx(math.log(6) - math.log(2) * 4 / 6)
    assert by_layer.input_information == pytest.approx(math.log(6) - math.log(4) * 4 / 6 - math.log(2) * 2 / 6)
    assert by_unit.label_information == pytest.approx(math.log(2))
    assert by_layer.label_information == pytest.approx(0, abs=1e-12)


def test_a_range_without_width_is_refused():
    with pytest.raises(ValueError, match=r"value_range: low < high is required, got \(1.0, 1.0\)"):
        Binning(30, (1.0, 1.0))
