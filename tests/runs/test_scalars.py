import math

import pytest
import torch

from lightning_infomem.records.report import InformationReport, LayerInformation
from lightning_infomem.runs.scalars import mutual_information_drop, scalars


def layer(name, entropy, pairs):
    units = len(entropy)
    matrix = torch.full((units, units), 9.0, dtype=torch.float64)
    first, second = torch.triu_indices(units, units, offset=1)
    matrix[first, second] = matrix[second, first] = torch.tensor(pairs, dtype=torch.float64)
    return LayerInformation(
        name, units, torch.arange(units), torch.tensor(entropy).double(), matrix, (0.0, 1.0), 0.25, 0.5, 100, 0
    )


def report(*layers):
    return InformationReport(tuple(layers), {}, "reference", seconds=1.5)


def test_the_diagonal_is_in_no_mean():
    values = scalars(report(layer("a", [1.0, 2.0, 6.0], [0.1, 0.2, 0.6])))
    assert values["infomem/a/mi_mean"] == pytest.approx(0.3)
    assert values["infomem/a/mi_median"] == pytest.approx(0.2)
    assert values["infomem/a/mi_p95"] == pytest.approx(0.56)  # between 0.2 and 0.6, nine tenths of the way
    assert values["infomem/a/entropy_mean"] == pytest.approx(3.0)
    assert values["infomem/a/entropy_median"] == pytest.approx(2.0)


def test_wide_and_narrow_layers_count_the_same():
    values = scalars(report(layer("a", [1.0, 1.0], [0.0]), layer("b", [3.0] * 4, [1.0] * 6)), prefix="p")
    assert values["p/mi_mean"] == pytest.approx(0.5)
    assert values["p/entropy_mean"] == pytest.approx(2.0)
    assert values["p/samples"] == 100
    assert values["p/seconds"] == 1.5
    assert values["p/dead_fraction"] == 0.25


def test_what_is_not_a_number_is_left_out():
    values = scalars(report(layer("one", [2.0], []), layer("nan", [math.nan, 1.0], [math.nan])))
    assert "infomem/one/mi_mean" not in values
    assert "infomem/nan/mi_mean" not in values
    assert "infomem/mi_mean" not in values
    assert values["infomem/nan/entropy_mean"] == 1.0
    assert all(math.isfinite(value) for value in values.values())


def test_the_drop_is_a_share_of_the_highest_value():
    def at(a, b):
        return {"infomem/a/mi_mean": a, "infomem/b/mi_mean": b}

    drops = mutual_information_drop([at(0.1, -0.1), at(0.4, -0.2), at(0.1, -0.3)], ["a", "b"])
    assert drops["infomem/a/mi_drop"] == pytest.approx(0.75)
    assert drops["infomem/b/mi_drop"] == 0.0  # nothing to fall from
    assert drops["infomem/mi_drop"] == pytest.approx(0.375)
    assert mutual_information_drop([], ["a"]) == {}
