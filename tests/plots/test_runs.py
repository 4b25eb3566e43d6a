from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_infomem.plots import plot_runs
from lightning_infomem.records.layer_courses import LayerCourses
from tests.plots.test_epochs_map import RUN


def courses(moments: int = 3, *, slope: float = 0.1, unit: str = "epoch", measurement: str = "100 samples") -> Any:
    places = np.arange(moments)
    entropy = np.stack([3.0 - slope * places, 1.0 - slope * places])
    return LayerCourses(
        ["conv", "fc"], unit, places.tolist(), entropy, 0.5 + slope * places[None].repeat(2, 0), measurement
    )


def lines(axes: Axes) -> list[list[list[float]]]:
    """Without the dots at their ends."""
    drawn = [line for line in axes.lines if line.get_linestyle() == "-" and line.get_marker() != "o"]
    return [line.get_xydata().tolist() for line in drawn]


def names(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def save(figure: Figure) -> Figure:
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    return figure


def test_a_line_is_the_mean_over_the_layers_of_a_run_at_its_own_moments() -> None:
    figure = plot_runs([courses(), RUN], ["made", "measured"])
    assert type(figure) is Figure
    entropy, information = figure.axes
    assert lines(entropy)[0] == [[0, 2.0], [1, pytest.approx(1.9)], [2, pytest.approx(1.8)]]
    # Of binary fractions the sums are exact; a third of 1.625 is rounded once.
    assert lines(entropy)[1] == [[0, 3.5], [4, 3.5], [6, 2.0]]
    assert lines(information)[1] == [[0, 0.5], [4, 0.5], [6, 1.625 / 3]]


def test_runs_panels_and_units_are_named() -> None:
    figure = save(plot_runs([courses(), courses(slope=0.2)], ["first", "second"]))
    assert sorted(names(figure)) == ["first", "second"]
    assert [axes.get_title() for axes in figure.axes] == ["mean entropy", "mean mutual information"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["nats", "nats"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["epoch", "epoch"]
    assert figure.get_suptitle() == "100 samples"


def test_runs_of_other_settings_are_told() -> None:
    figure = plot_runs([courses(), courses(measurement="200 samples")], ["a", "b"])
    assert figure.get_suptitle() == "100 samples or 200 samples"


def test_the_accuracy_has_a_panel_of_its_own() -> None:
    shares = [[0.1, 0.5, math.nan], [0.2, 0.3, 0.4]]
    figure = save(plot_runs([courses(), courses()], ["a", "b"], accuracies=shares, accuracy_name="top-1"))
    accuracy = figure.axes[0]
    assert (accuracy.get_title(), accuracy.get_ylabel()) == ("top-1", "share")
    np.testing.assert_array_equal(
        lines(accuracy), [[[0, 0.1], [1, 0.5], [2, math.nan]], [[0, 0.2], [1, 0.3], [2, 0.4]]]
    )
    assert [line.get_xydata().tolist() for line in accuracy.lines if line.get_marker() == "o"] == [
        [[1, 0.5]],
        [[2, 0.4]],
    ]


def test_runs_of_a_level_share_its_colour_and_a_bar_explains_it() -> None:
    figure = save(plot_runs([courses()] * 3, ["a", "b", "c"], levels=[0.5, 0, 0.5], level_name="beta"))
    colors = [tuple(line.get_color()) for line in figure.axes[0].lines if line.get_marker() != "o"]
    assert colors[0] == colors[2] != colors[1]
    assert figure.axes[2].get_ylabel() == "beta"


def test_of_many_runs_20_are_named_and_the_title_says_so() -> None:
    figure = save(plot_runs([courses(500, slope=0.001 * place) for place in range(40)], list(map(str, range(40)))))
    assert len(lines(figure.axes[0])) == 40
    assert len(names(figure)) == 20
    assert figure.get_suptitle().endswith("20 of 40 runs named")


@pytest.mark.parametrize("values", [math.nan, 0.5])
def test_a_run_of_one_moment_with_or_without_a_value_is_drawn(values: float) -> None:
    one = LayerCourses(["fc"], "epoch", [7], np.full((1, 1), 2.0), np.full((1, 1), values))
    figure = save(plot_runs([one], ["only"], levels=[3.0], accuracies=[[values]]))
    assert names(figure) == ([] if math.isnan(values) else ["only"])
    assert figure.get_suptitle() == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"runs": [], "names": []}, "runs: at least one is required, got none; measure first"),
        ({"runs": [courses(), []]}, "reports: at least one with a measured layer is required, got none"),
        (
            {"runs": [courses(), courses(unit="step")]},
            "runs: moments of one kind are required, got epochs in 'a' and steps in 'b'; draw them separately",
        ),
        ({"names": ["a"]}, "names: one for each of the 2 runs is required, got 1; pass them in the order of the runs"),
        ({"levels": [1.0]}, "levels: one for each of the 2 runs is required, got 1"),
        ({"levels": [1.0, math.inf]}, "levels: finite numbers are required, got inf; leave out those without a level"),
        ({"accuracies": [[0.5] * 3]}, "accuracies: one for each of the 2 runs is required, got 1"),
        ({"accuracies": [[0.5] * 3, [0.5]]}, "accuracies of 'b': one for each of the 3 moments is required, got 1"),
        ({"accuracies": [[0.5] * 3, [0.5, 50, 0]]}, "accuracies of 'b': shares between 0 and 1 are required, got 50"),
    ],
)
def test_mistakes_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_runs(**{"runs": [courses(), courses()], "names": ["a", "b"], **arguments})
