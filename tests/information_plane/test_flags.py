from __future__ import annotations

import math

import pytest
import torch

from lightning_infomem.information_plane import PlanePoint, VariationalBound
from lightning_infomem.information_plane.flags import flags_of


@pytest.mark.parametrize(
    ("informations", "expected"),
    [
        ((math.nan, 0.5), set()),
        ((0.5, math.nan), set()),
        ((math.nan, math.nan), set()),
        ((math.nan, -0.5), {"negative"}),
        ((-0.5, math.nan), {"negative"}),
        ((math.nan, 0.8), {"above_label_entropy"}),
        ((math.log(100), math.nan), {"saturated"}),
        ((0.4, 0.5), {"data_processing"}),
    ],
)
def test_of_a_coordinate_that_is_none_nothing_is_said(informations, expected):
    assert set(flags_of(*informations, num_samples=100, label_entropy=math.log(2))) == expected


def test_a_point_with_a_coordinate_that_is_none_is_a_point():
    point = PlanePoint.measured(
        VariationalBound(),
        torch.zeros(4, 2),
        torch.tensor([0, 0, 1, 1]),
        input_information=math.nan,
        label_information=math.log(2),
        input_kind="neither",
        label_kind="lower",
    )
    assert math.isnan(point.input_bits)
    assert point.label_bits == pytest.approx(1)
    assert point.flags == {}
