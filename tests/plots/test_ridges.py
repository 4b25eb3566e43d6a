from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_infomem.plots.ridges import Ridge, draw_ridges
from lightning_infomem.plots.style import level_colors
from tests.plots.test_layers import layer


def curve(ridge: Ridge) -> np.ndarray:
    axes: Axes = Figure().subplots()
    draw_ridges(axes, [ridge], level_colors([0]))
    (points,) = (line.get_xydata() for line in axes.lines if len(line.get_xydata()) > 2)
    return points


def of_values(values: np.ndarray) -> Ridge:
    return Ridge(values, float(values.mean()), float(values.max()), "")


def test_a_density_ends_at_the_lowest_and_the_highest_pair_and_falls_to_the_line_there() -> None:
    # An edge at 0.2 and few values beyond 0.9: a Gaussian would go on below the one and above the other.
    values = 0.2 + np.random.default_rng(0).uniform(0.0, 0.7, 2_000) ** 2
    points = curve(of_values(values))
    assert (points[0, 0], points[-1, 0]) == (values.min(), values.max())
    assert (points[0, 1], points[-1, 1]) == (0.0, 0.0)
    assert points[1].tolist() == pytest.approx([values.min(), 0.9], rel=0.5)  # high at the edge itself


def test_the_curves_of_many_rows_have_few_points_and_still_their_peaks() -> None:
    generator = np.random.default_rng(0)
    ridges = [of_values(generator.normal(place, 0.02, 500)) for place in range(64)]
    axes: Axes = Figure().subplots()
    draw_ridges(axes, ridges, level_colors(range(64)))
    curves = [line.get_xydata() for line in axes.lines if len(line.get_xydata()) > 2]
    assert len(curves) == 64
    assert max(map(len, curves)) < 100
    assert [float(np.nanmax(curve[:, 1])) for curve in curves] == pytest.approx([63.9 - row for row in range(64)])
    # Gaussians of this width around the whole numbers: 500 draws move their middle by a twentieth of it.
    assert [curve[np.nanargmax(curve[:, 1]), 0] for curve in curves] == pytest.approx(list(range(64)), abs=0.02)


def test_a_density_is_left_out_below_one_percent_of_its_peak() -> None:
    generator = np.random.default_rng(0)
    points = curve(of_values(np.concatenate([generator.normal(1.0, 0.01, 900), generator.normal(2.0, 0.01, 900)])))
    between = points[(points[:, 0] > 1.2) & (points[:, 0] < 1.8), 1]
    assert len(between) > 10
    assert np.isnan(between).all()


def test_every_layer_counts_the_same_whatever_its_number_of_pairs() -> None:
    narrow, wide = layer("narrow", units=12, information=0.5), layer("wide", units=60, information=0.1)
    ridge = Ridge.of([narrow, wide])
    assert ridge.mean == pytest.approx(0.3)
    assert (ridge.values == 0.5).mean() == 0.5
    assert ridge.largest == 0.5


def test_layers_of_as_many_pairs_are_pooled_as_they_are() -> None:
    layers = [layer("a", units=12, seed=1), layer("b", units=12, seed=2)]
    expected = torch.cat([each.pairs() for each in layers]).sort().values
    np.testing.assert_array_equal(np.sort(Ridge.of(layers).values), expected)


def test_exact_zeros_of_a_layer_stay_zeros() -> None:
    ridge = Ridge.of([layer("a", units=100, dead=50), layer("b", units=40)])
    zeros = 1 - 49 / 99 * 0.5  # 50 * 49 / 2 of 100 * 99 / 2 pairs are of live units
    # Of a share so many quantiles are at most one off.
    assert (ridge.values == 0).mean() == pytest.approx(zeros / 2, abs=1 / len(ridge.values))
