from __future__ import annotations

import io
import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lightning_infomem.plots import plot_plane
from lightning_infomem.records.layer_courses import LayerCourses
from tests.plots.test_epochs_map import RUN, moment
from tests.plots.test_layers import layer, report


def ways(figure: Figure) -> list[Line2D]:
    return [line for line in figure.axes[0].lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 1]


def marks(figure: Figure, size: int) -> list[list[float]]:
    """Circles: those of size 6 are first moments, those of size 9 last ones or checkpoints."""
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "o" and line.get_markersize() == size]
    return [point for line in lines for point in line.get_xydata().tolist()]


def names(figure: Figure) -> dict[str, tuple[float, float]]:
    return {text.get_text(): text.xy for text in figure.axes[0].texts}


def save(figure: Figure) -> Figure:
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    return figure


def test_every_layer_has_a_line_through_its_moments_in_order() -> None:
    figure = plot_plane([RUN[2], RUN[0], RUN[1]])
    conv, norm, fc = (line.get_xydata() for line in ways(figure))
    none = [math.nan, math.nan]
    np.testing.assert_array_equal(conv, [[4.0, 0.25], [3.5, 0.5], [3.0, 0.125]])
    np.testing.assert_array_equal(norm, [none, none, [1.0, 0.0]])
    np.testing.assert_array_equal(fc, [[3.0, 0.75], none, [2.0, 1.5]])


def test_the_first_and_the_last_moment_are_marked_and_the_last_named() -> None:
    figure = plot_plane(RUN)
    assert marks(figure, 6) == [[4.0, 0.25], [3.0, 0.75]]  # a layer that was measured once has no first
    assert marks(figure, 9) == [[3.0, 0.125], [1.0, 0.0], [2.0, 1.5]]
    assert names(figure) == {"conv": (3.0, 0.125), "norm": (1.0, 0.0), "fc": (2.0, 1.5)}
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["first: epoch 0", "last: epoch 6", "first layer", "last layer"]


def test_the_axes_name_quantity_and_unit() -> None:
    (axes,) = plot_plane(RUN).axes
    assert axes.get_xlabel() == "mean entropy (nats)"
    assert axes.get_ylabel() == "mean mutual information (nats)"


def test_with_names_every_report_is_a_point_at_the_means_over_its_layers() -> None:
    figure = plot_plane([RUN[2], RUN[0]], names=["noisy", "clean"])
    # Of binary fractions the sums are exact; a third of 1.625 is rounded once.
    assert marks(figure, 9) == [[2.0, 1.625 / 3], [3.5, 0.5]]
    assert names(figure) == {"noisy": (2.0, 1.625 / 3), "clean": (3.5, 0.5)}
    assert not ways(figure)
    assert not figure.legends


def test_what_has_no_value_has_no_point_and_no_name() -> None:
    assert names(save(plot_plane([report(layer("a", units=1), layer("b", units=2))]))).keys() == {"b"}
    points = plot_plane([report(), report(layer("a", units=1)), RUN[0]], names=["none", "one", "run"])
    assert names(save(points)).keys() == {"run"}
    nothing = save(plot_plane([report(layer("fc", units=4, missing=4))]))
    assert not names(nothing)
    assert not marks(nothing, 9)


@pytest.mark.parametrize(
    ("lowest", "scale"), [(0.01, "log"), (0.05, "linear"), (0.0, "linear"), (-0.001, "linear"), (math.nan, "linear")]
)
def test_values_that_span_decades_have_a_logarithmic_axis(lowest: float, scale: str) -> None:
    run = [moment({"a": (2.0, 2.0), "b": (1.0, lowest)}, epoch=0)]
    assert save(plot_plane(run)).axes[0].get_yscale() == scale
    alone = [moment({"a": (1.0, information)}) for information in (2.0, lowest)]
    assert plot_plane(alone, names=["1", "2"]).axes[0].get_yscale() == scale


@pytest.mark.parametrize("information", [0.5, 0.0])
def test_names_never_touch_and_stay_beside_the_panel(information: float) -> None:
    layers = {f"blocks.{index}": (2.0, information + 0.001 * (index % 7)) for index in range(50)}
    figure = save(plot_plane([moment({**layers, "top": (1.0, 9.0)}, epoch=epoch) for epoch in range(2)]))
    assert len(ways(figure)) == 51
    assert figure.get_suptitle().endswith("20 of 51 named")
    places = np.array([text.xyann for text in figure.axes[0].texts])  # as shares of the panel
    assert places.shape == (20, 2)
    assert (places[:, 0] > 1).all()
    assert places[:, 1].min() >= 0
    assert places[:, 1].max() <= 1 + 1e-9  # rounding
    inches = np.diff(places[:, 1]) * figure.axes[0].get_position().height * figure.get_figheight()
    assert inches.min() > 10 / 72  # the letters are 10 points high


def test_a_long_run_has_no_dots_between() -> None:
    def run(moments: int) -> Figure:
        return plot_plane([moment({"fc": (2.0, 0.01 * epoch)}, epoch=epoch) for epoch in range(moments)])

    assert [ways(run(moments))[0].get_marker() for moments in (20, 21)] == [".", ""]


def test_lines_of_many_layers_over_many_moments_keep_both_ends_and_few_places_between() -> None:
    epochs = np.arange(500)
    values = np.arange(100.0)[:, None] + epochs / 500
    courses = LayerCourses([f"fc{place}" for place in range(100)], "epoch", epochs.tolist(), values, values)
    lines = [line.get_xdata() for line in ways(plot_plane(courses))]
    assert [len(line) for line in lines] == [150] * 100
    assert [(line[0], line[-1]) for line in lines] == [(place, place + 0.998) for place in range(100)]


def test_one_moment_needs_no_legend() -> None:
    figure = plot_plane(RUN[:1])
    assert not figure.legends
    assert marks(figure, 9) == [[4.0, 0.25], [3.0, 0.75]]
    assert not marks(figure, 6)


def test_nothing_to_draw_and_a_missing_name_are_refused() -> None:
    with pytest.raises(ValueError, match="reports: at least one with a measured layer is required, got none"):
        plot_plane([])
    with pytest.raises(ValueError, match="names: one for each of the 3 reports is required, got 1; pass them in"):
        plot_plane(RUN, names=["one"])
