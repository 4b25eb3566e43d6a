from __future__ import annotations

import io
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from lightning_infomem.plots import plot_zoo

LEVELS = [0.5, 0.0, 0.5]
ENTROPY = [2.0, 3.0, 1.0]
INFORMATION = [0.3, 0.1, 0.5]
ACCURACY = [0.6, 0.9, 0.4]


def test_points_are_checkpoints_and_the_line_joins_the_means_of_the_levels() -> None:
    figure = plot_zoo(LEVELS, ENTROPY, INFORMATION, ACCURACY, level_name="share of random labels")
    assert type(figure) is Figure
    information, entropy, *twins = figure.axes
    for axes, values, means in [
        (information, INFORMATION, [0.1, 0.4]),
        (entropy, ENTROPY, [3.0, 1.5]),
        (twins[0], ACCURACY, [0.9, 0.5]),
        (twins[1], ACCURACY, [0.9, 0.5]),
    ]:
        line, points = axes.lines
        assert list(points.get_xdata()) == LEVELS
        assert list(points.get_ydata()) == values
        assert list(line.get_xdata()) == [0.0, 0.5]
        assert list(line.get_ydata()) == pytest.approx(means)  # rounding of a mean of two


def test_the_axes_name_quantity_and_unit() -> None:
    figure = plot_zoo(LEVELS, ENTROPY, INFORMATION, ACCURACY, level_name="share of random labels")
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "mean mutual information (nats)",
        "mean entropy (nats)",
        "accuracy on clean data (share)",
        "accuracy on clean data (share)",
    ]
    assert [axes.get_xlabel() for axes in figure.axes[:2]] == ["share of random labels"] * 2


def test_without_accuracy_there_is_one_line_a_panel_and_no_twin() -> None:
    figure = plot_zoo(LEVELS, ENTROPY, INFORMATION, None, level_name="alpha")
    assert len(figure.axes) == 2
    assert all(axes.get_legend() is None for axes in figure.axes)


def test_a_checkpoint_without_value_is_left_out_and_arrays_do_as_well() -> None:
    figure = plot_zoo(np.array(LEVELS), np.array([2.0, math.nan, 1.0]), INFORMATION, np.array(ACCURACY), level_name="a")
    assert list(figure.axes[1].lines[1].get_ydata()) == [2.0, 1.0]
    nothing = plot_zoo([0.0], [math.nan], [math.nan], [math.nan], level_name="a")
    nothing.savefig(io.BytesIO(), format="png")


def test_no_checkpoint_is_refused() -> None:
    with pytest.raises(ValueError, match="levels: at least one checkpoint is required, got none"):
        plot_zoo([], [], [], None, level_name="alpha")


@pytest.mark.parametrize("wrong", ["entropy", "mutual_information", "accuracy"])
def test_sequences_of_different_lengths_are_refused_by_name(wrong: str) -> None:
    values = {"entropy": ENTROPY, "mutual_information": INFORMATION, "accuracy": ACCURACY}
    values[wrong] = [0.5]
    with pytest.raises(ValueError, match=rf"{wrong}: one for each of the 3 levels is required, got 1"):
        plot_zoo(LEVELS, **values, level_name="alpha")


def test_percentages_are_refused() -> None:
    with pytest.raises(ValueError, match="accuracy: shares between 0 and 1 are required, got 93"):
        plot_zoo(LEVELS, ENTROPY, INFORMATION, [0.5, 93, 0.1], level_name="alpha")
