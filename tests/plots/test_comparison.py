from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from lightning_infomem.plots import plot_comparison
from tests.plots.test_layers import layer, names_of_boxes, names_of_rows, number_of_boxes, picture, report, texts, ticks

FIRST = report(layer("conv", seed=1), layer("fc", units=6, seed=2), epoch=0)
SECOND = report(layer("conv", dead=4, seed=3), layer("fc", missing=2, seed=4), epoch=9)


def accuracies(figure: Figure) -> list[float]:
    (squares,) = figure.axes[2].lines
    return list(squares.get_ydata())


def outline(figure: Figure, place: int) -> np.ndarray:
    return figure.axes[0].patches[place].get_path().vertices[:-1]


def test_a_box_is_over_the_units_of_all_layers() -> None:
    figure = plot_comparison([FIRST, SECOND], ["clean", "noisy"])
    assert type(figure) is Figure
    assert number_of_boxes(figure) == 2
    for place, each in enumerate((FIRST, SECOND)):
        units = torch.cat([layer.finite_entropy() for layer in each.layers]).numpy()
        heights = outline(figure, place)[:, 1]
        low, middle, high = np.quantile(units, [0.25, 0.5, 0.75])
        assert (heights.min(), heights.max()) == pytest.approx((low, high))  # numpy's own rounding
        assert middle == pytest.approx(np.median(np.unique(heights)))


def test_the_tick_of_a_row_is_the_mean_over_layers_of_which_each_counts_the_same() -> None:
    figure = plot_comparison([FIRST, SECOND], ["clean", "noisy"])
    expected = [(np.mean([layer.pairs().mean() for layer in each.layers]), 1 - row) for row, each in
                enumerate((FIRST, SECOND))]  # fmt: skip
    np.testing.assert_allclose(ticks(figure.axes[1]), expected, rtol=1e-12)  # rounding of the sum


def test_checkpoints_settings_and_units_are_named() -> None:
    figure = plot_comparison([FIRST, SECOND], ["clean", "noisy"])
    boxes, rows = figure.axes
    assert names_of_boxes(figure) == names_of_rows(figure) == ["clean", "noisy"]
    assert boxes.get_ylabel() == "entropy per unit (nats)"
    assert rows.get_xlabel() == "mutual information of unit pairs (nats)"
    assert figure.get_suptitle() == "1,024 samples, k = 3, 100 bins"
    assert "2 layers" not in texts(figure)


def test_names_that_do_not_fit_below_the_boxes_are_numbers_that_the_rows_explain() -> None:
    figure = plot_comparison([FIRST, SECOND], ["a-name-of-25-characters-" + end for end in "ab"])
    assert names_of_boxes(figure) == ["0", "1"]
    assert figure.axes[0].get_xlabel() == "checkpoint, numbered as on the right"
    assert names_of_rows(figure)[1] == "a-name-of-25-characters-b  1"


def test_levels_are_colours_that_a_bar_explains() -> None:
    figure = plot_comparison([FIRST, SECOND, FIRST], ["a", "b", "c"], levels=[0.5, 0.0, 0.5], level_name="alpha")
    colors = [tuple(patch.get_edgecolor()) for patch in figure.axes[0].patches]
    assert colors[0] == colors[2] != colors[1]
    bar = figure.axes[2]
    assert bar.get_ylabel() == "alpha"
    assert [label.get_text() for label in bar.get_yticklabels()] == ["0", "0.5"]
    assert picture(figure)


def test_the_accuracy_is_a_second_axis_from_0_to_1() -> None:
    figure = plot_comparison([FIRST, SECOND], ["a", "b"], accuracies=[0.9, math.nan], accuracy_name="top-1")
    np.testing.assert_array_equal(accuracies(figure), [0.9, math.nan])
    low, high = figure.axes[2].get_ylim()
    assert low < 0 < 1 < high
    assert figure.axes[2].get_ylabel() == "top-1 (share)"
    assert picture(figure)


def test_of_more_than_64_checkpoints_64_are_drawn_with_their_own_levels_and_accuracies() -> None:
    small = report(layer("fc", units=4))
    shares = [place / 79 for place in range(80)]
    figure = plot_comparison([small] * 80, [f"run {place}" for place in range(80)], levels=shares, accuracies=shares)
    assert number_of_boxes(figure) == 64
    assert figure.get_suptitle().endswith("64 of 80 checkpoints")
    assert len(accuracies(figure)) == 64
    numbers = [row.split()[-1] for row in names_of_rows(figure)]
    assert names_of_rows(figure) == [f"run {number}  {number}" for number in numbers]
    assert names_of_boxes(figure) == numbers[::2]  # for which there is room
    assert accuracies(figure)[::4] == [shares[int(number)] for number in numbers]


@pytest.mark.parametrize(
    "odd",
    [
        report(layer("fc", units=1)),
        report(layer("fc", units=1), layer("fc2", units=1)),
        report(layer("fc", missing=24)),
        report(layer("fc", dead=24)),
        report(layer("fc", missing=24), layer("fc2", units=2)),
        report(*(layer(f"blocks.{index}", units=8, seed=index) for index in range(40))),
    ],
)
def test_odd_checkpoints_are_drawn_alone_and_beside_others(odd) -> None:
    for reports in ([odd], [odd, FIRST]):
        figure = plot_comparison(reports, ["odd", "ordinary"][: len(reports)], levels=[1.0] * len(reports))
        assert number_of_boxes(figure) == len(reports)
        assert picture(figure).startswith(b"\x89PNG")


def test_what_a_curve_does_not_say_is_counted_over_all_layers() -> None:
    figure = plot_comparison([SECOND], ["noisy"])
    # Of 24 units 2 have no value: 24 * 23 / 2 - 22 * 21 / 2 pairs; of the others 4 are constant: 276 - 20 * 19 / 2.
    assert figure.axes[1].texts[0].get_text() == "45 of 552 pairs not finite, 86 of 507 pairs exactly 0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reports": [], "names": []}, "reports: at least one is required, got none; measure first"),
        (
            {"reports": [FIRST, report()]},
            r"at least one measured layer in each is required, got none in 'b' .*leave it",
        ),
        ({"names": ["a"]}, "names: one for each of the 2 reports is required, got 1; pass them in the order of the"),
        ({"levels": [1.0]}, "levels: one for each of the 2 reports is required, got 1"),
        ({"levels": [1.0, math.nan]}, "levels: finite numbers are required, got nan; leave out those without"),
        ({"accuracies": [1.0]}, "accuracies: one for each of the 2 reports is required, got 1"),
        ({"accuracies": [1.0, 93]}, "accuracies: shares between 0 and 1 are required, got 93; divide percentages"),
    ],
)
def test_mistakes_are_refused(arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_comparison(**{"reports": [FIRST, SECOND], "names": ["a", "b"], **arguments})
