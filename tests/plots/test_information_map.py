from __future__ import annotations

import dataclasses
import io
import math

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_infomem.plots import plot_information_map
from lightning_infomem.records.report import LayerInformation
from tests.plots.test_layers import layer, report


def maps(figure: Figure) -> list[Axes]:
    """The panels without the bar of colours."""
    return [axes for axes in figure.axes if len(axes.images) == 2]


def drawn(axes: Axes) -> np.ndarray:
    return np.ma.filled(axes.images[0].get_array(), np.nan)


def units(axes: Axes) -> list[int]:
    return [int(label.get_text()) for label in axes.get_yticklabels()]


def notes(figure: Figure) -> list[str]:
    return [axes.get_title().split("\n")[1] for axes in maps(figure)]


def bar(figure: Figure) -> str:
    return figure.axes[-1].get_ylabel()


def save(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=50)
    return buffer.getvalue()


def test_the_map_is_the_matrix_in_the_order_that_its_axes_name() -> None:
    measured = dataclasses.replace(layer("fc", units=12), units=torch.arange(0, 36, 3))
    (axes,) = maps(plot_information_map(report(measured)))
    assert sorted(units(axes)) == list(range(0, 36, 3))
    assert [label.get_text() for label in axes.get_xticklabels()] == list(map(str, units(axes)))
    order = np.array(units(axes)) // 3
    expected = measured.mutual_information.numpy()[np.ix_(order, order)].copy()
    np.fill_diagonal(expected, np.nan)
    np.testing.assert_array_equal(drawn(axes), expected)


@pytest.mark.parametrize("count", [24, 80])  # with the best order of the leaves, and without
def test_copies_stand_side_by_side(count: int) -> None:
    measured = layer("fc", units=count)
    half = count // 2
    copy = torch.arange(half) + half
    measured.mutual_information[torch.arange(half), copy] = measured.mutual_information[copy, torch.arange(half)] = 5.0
    matrix = drawn(maps(plot_information_map(report(measured)))[0])
    beside = np.diagonal(matrix, 1)
    assert (beside == 5.0).sum() == half
    assert (matrix == 5.0).sum() == 2 * half


def test_units_without_values_are_grey_and_constant_ones_stand_at_the_end() -> None:
    figure = plot_information_map(report(layer("fc", units=10, dead=3, missing=2)))
    (axes,) = maps(figure)
    assert units(axes)[5:] == [8, 9, 0, 1, 2]
    assert sorted(units(axes)[:5]) == [3, 4, 5, 6, 7]
    assert notes(figure) == ["10 units, 2 not finite, 3 constant"]
    image = axes.images[0]
    assert image.to_rgba(image.get_array())[5, 0].tolist() == [0.75, 0.75, 0.75, 1.0]


def test_the_diagonal_is_blank() -> None:
    blank = maps(plot_information_map(report(layer("fc", units=6, missing=1))))[0].images[1]
    colors = blank.to_rgba(blank.get_array())
    assert (colors[np.eye(6, dtype=bool)] == 1).all()
    assert (colors[~np.eye(6, dtype=bool), 3] == 0).all()


def test_the_maps_of_all_layers_share_a_scale_that_leaves_out_the_highest_pairs() -> None:
    first, second = layer("a", units=60), layer("b", units=40, dead=10, seed=1)
    first.mutual_information[3, 4] = first.mutual_information[4, 3] = 5.25
    figure = plot_information_map(report(first, second))
    pairs = torch.cat([first.pairs(), second.pairs()]).numpy()
    expected = (0.0, np.quantile(np.repeat(pairs[pairs != 0], 2), 0.995))
    for axes in maps(figure):
        assert axes.images[0].get_clim() == pytest.approx(expected)  # rounding
    assert bar(figure) == "mutual information (nats)\nup to the 99.5th percentile; largest 5.25"


def test_a_scale_that_leaves_nothing_out_says_nothing_of_it_and_holds_negative_pairs() -> None:
    measured = layer("fc", units=6, information=0.3)
    measured.mutual_information[0, 1] = measured.mutual_information[1, 0] = -0.02
    figure = plot_information_map(report(measured))
    assert maps(figure)[0].images[0].get_clim() == (-0.02, 0.3)
    assert bar(figure) == "mutual information (nats)"


def test_a_layer_can_be_drawn_alone() -> None:
    measured = report(layer("a", units=4), layer("b", units=5), layer("c", units=6))
    assert [axes.get_title().split("\n")[0] for axes in maps(plot_information_map(measured))] == ["a", "b", "c"]
    (alone,) = maps(plot_information_map(measured, "b"))
    assert alone.get_title() == "b\n5 units"


def test_of_many_layers_sixteen_are_drawn_and_the_title_says_so() -> None:
    figure = plot_information_map(report(*(layer(f"fc{index}", units=4) for index in range(40))))
    names = [axes.get_title().split("\n")[0] for axes in maps(figure)]
    assert len(names) == 16
    assert (names[0], names[-1]) == ("fc0", "fc39")
    assert figure.get_suptitle() == "1,024 samples, k = 3, 100 bins · 16 of 40 layers"


def test_of_many_units_256_are_drawn_evenly_and_the_map_says_so() -> None:
    wide = layer("fc", units=1, information=0.1)
    matrix = torch.arange(300.0).add(1.0).outer(torch.ones(300)).double()
    wide = dataclasses.replace(wide, units=torch.arange(300), mutual_information=torch.maximum(matrix, matrix.T))
    figure = plot_information_map(report(wide))
    assert notes(figure) == ["256 of 300 units"]
    matrix = drawn(maps(figure)[0])
    assert matrix.shape == (256, 256)
    # The entry is the higher number of the two, from 1: all but the lowest of the chosen are in it.
    assert set(matrix[np.isfinite(matrix)]) == set(np.linspace(0, 299, 256).round()[1:] + 1)


def test_of_many_wide_layers_fewer_units_each_are_drawn() -> None:
    figure = plot_information_map(report(*(layer(f"fc{index}", units=100, seed=index) for index in range(16))))
    assert notes(figure) == ["86 of 100 units"] * 16
    assert [drawn(axes).shape for axes in maps(figure)] == [(86, 86)] * 16


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (layer("fc", units=1), "1 unit, no pair"),
        (layer("fc", units=2), "2 units"),
        (layer("fc", units=2, missing=1), "2 units, 2 not finite"),
        (layer("fc", units=6, missing=6), "6 units, 6 not finite"),
        (layer("fc", units=6, dead=6), "6 units, 6 constant"),
        (layer("fc", units=6, dead=5, missing=1), "6 units, 1 not finite, 5 constant"),
        (layer("fc", units=6, information=0.3), "6 units"),
        (layer("fc", units=6, information=-0.1), "6 units"),
    ],
)
def test_a_layer_without_an_ordinary_tree_is_drawn_and_named(measured: LayerInformation, said: str) -> None:
    figure = plot_information_map(report(measured))
    assert notes(figure) == [said]
    assert save(figure).startswith(b"\x89PNG")


def test_single_pairs_that_are_not_known_do_not_hinder_the_order() -> None:
    measured = layer("fc", units=8)
    measured.mutual_information[2, 5] = measured.mutual_information[5, 2] = math.nan
    figure = plot_information_map(report(measured))
    assert notes(figure) == ["8 units"]
    assert np.isnan(drawn(maps(figure)[0])).sum() == 8 + 2


def test_the_report_is_as_before() -> None:
    measured = layer("fc", units=8, dead=1)
    before = measured.mutual_information.clone()
    plot_information_map(report(measured))
    assert torch.equal(measured.mutual_information, before)


def test_a_layer_that_was_not_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="layer: one of 'conv1', 'fc' is required, got 'conv'; did you mean 'conv1'"):
        plot_information_map(report(layer("conv1"), layer("fc")), "conv")
    with pytest.raises(ValueError, match=r"report: at least one measured layer is required, got none .*see report\."):
        plot_information_map(report())
