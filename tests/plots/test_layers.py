from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from lightning_infomem.plots import plot_layers
from lightning_infomem.records.report import InformationReport, LayerInformation
from lightning_infomem.settings import MeasurementSettings


def layer(
    name: str, *, units: int = 24, dead: int = 0, missing: int = 0, information: float | None = None, seed: int = 0
) -> LayerInformation:
    """Made-up measures: `dead` constant units, `missing` units without values, all pairs `information` if given."""
    generator = np.random.default_rng(seed)
    entropy = generator.uniform(1.0, 4.0, units)
    matrix = generator.gamma(1.5, 0.1, (units, units)) if information is None else np.full((units, units), information)
    matrix = np.triu(matrix) + np.triu(matrix, 1).T
    entropy[:dead], matrix[:dead], matrix[:, :dead] = 0.0, 0.0, 0.0
    none = slice(units - missing, units)
    entropy[none], matrix[none], matrix[:, none] = math.nan, math.nan, math.nan
    measures = torch.from_numpy(entropy), torch.from_numpy(matrix)
    return LayerInformation(name, units, torch.arange(units), *measures, (0.0, 1.0), dead / units, 0.0, 1024, 0)


def report(*layers: LayerInformation, epoch: int | None = None, step: int | None = None) -> InformationReport:
    return InformationReport(layers, MeasurementSettings().to_state(), "cpu", epoch=epoch, step=step)


def number_of_boxes(figure: Figure) -> int:
    return sum(isinstance(patch, PathPatch) for patch in figure.axes[0].patches)


def picture(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=50)
    return buffer.getvalue()


def ticks(rows: Axes) -> list[tuple[float, float]]:
    """Where the means of the rows stand, from the top."""
    means = [lines for lines in rows.collections if isinstance(lines, LineCollection) and lines.get_label() == "mean"]
    return [tuple(lines.get_segments()[0][0].tolist()) for lines in means]


def texts(figure: Figure) -> str:
    shown = [text.get_text() for axes in figure.axes for text in axes.texts]
    return " | ".join([*shown, *(axes.get_title() for axes in figure.axes)])


def names_of_rows(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[1].get_yticklabels()]


def names_of_boxes(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_xticklabels()]


def test_every_layer_has_a_box_and_both_axes_name_nats() -> None:
    figure = plot_layers(report(layer("conv1"), layer("conv2", seed=1), layer("fc", seed=2)))
    assert type(figure) is Figure
    boxes, rows = figure.axes
    assert number_of_boxes(figure) == 3
    assert boxes.get_ylabel() == "entropy per unit (nats)"
    assert rows.get_xlabel() == "mutual information of unit pairs (nats)"
    assert names_of_boxes(figure) == names_of_rows(figure) == ["conv1", "conv2", "fc"]


def test_the_title_says_what_was_measured_and_when() -> None:
    without_moment = plot_layers(report(layer("fc")))
    assert without_moment.get_suptitle() == "1,024 samples, k = 3, 100 bins"
    figure = plot_layers(report(layer("fc"), epoch=0, step=1200))
    assert figure.get_suptitle() == "epoch 0, step 1,200 · 1,024 samples, k = 3, 100 bins"


def test_the_notch_is_the_interval_of_the_median_from_order_statistics() -> None:
    measured = layer("fc", units=100)
    (box,) = (patch for patch in plot_layers(report(measured)).axes[0].patches if isinstance(patch, PathPatch))
    heights = np.unique(box.get_path().vertices[:, 1])
    ordered = measured.entropy.sort().values.numpy()
    # The ranks 1 + 99 (0.5 -+ 0.98 / 10) interpolated: 40.8 and 60.2, the 95 % interval of a binomial of 100 halves.
    low, high = np.interp([40.798, 60.202], np.arange(1, 101), ordered)
    quartiles = np.quantile(ordered, [0.25, 0.5, 0.75])
    # Equal to rounding: the same interpolation of float64 numbers near 1.
    np.testing.assert_allclose(heights, [quartiles[0], low, quartiles[1], high, quartiles[2]], rtol=1e-12)


def test_boxes_stand_and_rows_lie_in_the_order_of_the_network() -> None:
    layers = [layer(f"fc{index}", seed=index) for index in range(3)]
    boxes, rows = plot_layers(report(*layers)).axes
    outlines = [patch.get_path().vertices for patch in boxes.patches if isinstance(patch, PathPatch)]
    assert [round(outline[:-1, 0].mean()) for outline in outlines] == [0, 1, 2]
    for outline, measured in zip(outlines, layers, strict=True):
        assert measured.entropy.quantile(0.25).item() == pytest.approx(outline[:, 1].min())  # numpy against torch
    # The sum of the pairs in another order: rounding.
    expected = [(measured.pairs().mean().item(), 2 - row) for row, measured in enumerate(layers)]
    np.testing.assert_allclose(ticks(rows), expected, rtol=1e-12)


def test_the_tick_of_a_row_stands_at_the_mean_over_all_pairs() -> None:
    measured = layer("fc", dead=8)
    ((mean, _),) = ticks(plot_layers(report(measured)).axes[1])
    assert mean == pytest.approx(measured.pairs().mean().item(), rel=1e-12)  # rounding of the sum


def test_pairs_of_constant_units_are_a_line_at_zero_and_no_part_of_the_density() -> None:
    rows = plot_layers(report(layer("fc", dead=12))).axes[1]
    (curve,) = (line.get_xydata() for line in rows.lines if len(line.get_xydata()) > 2)
    assert curve[np.nanargmax(curve[:, 1]), 0] > 0.03  # of the gamma distribution it is at 0.05, with the zeros at 0
    (line,) = (lines for lines in rows.collections if lines.get_label() == "pairs")
    assert line.get_segments()[0][:, 0].tolist() == [0, 0]


def test_the_peaks_of_all_rows_are_equally_high() -> None:
    rows = plot_layers(report(layer("narrow", seed=1), layer("wide", seed=2))).axes[1]
    curves = [np.asarray(line.get_ydata()) for line in rows.lines if len(np.asarray(line.get_ydata())) > 2]
    assert [round(float(np.nanmax(curve)), 9) for curve in curves] == [1.9, 0.9]


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (layer("fc", units=1), "one unit: no pair"),
        (layer("fc", units=2), "1 pair"),
        (layer("fc", units=4), "6 pairs"),
        (layer("fc", units=5), ""),
        (layer("fc", dead=24), "276 of 276 pairs exactly 0"),
        (layer("fc", dead=12), "210 of 276 pairs exactly 0"),
        (layer("fc", dead=20), "270 of 276 pairs exactly 0"),
        (layer("fc", missing=4), "86 of 276 pairs not finite"),
        (layer("fc", missing=24), "276 of 276 pairs not finite"),
        (layer("fc", missing=23), "276 of 276 pairs not finite"),
        (layer("fc", dead=2, missing=20), "270 of 276 pairs not finite, 5 of 6 pairs exactly 0"),
        (layer("fc", information=0.3), "all pairs equal"),
    ],
)
def test_a_layer_without_an_ordinary_density_is_drawn_and_named(measured: LayerInformation, said: str) -> None:
    figure = plot_layers(report(measured))
    assert number_of_boxes(figure) == 1
    assert figure.axes[1].texts[0].get_text() == said
    assert picture(figure).startswith(b"\x89PNG")


def test_a_layer_without_any_entropy_says_so_in_its_place() -> None:
    assert "no finite entropy" in texts(plot_layers(report(layer("fc", missing=24))))
    assert "no finite entropy" not in texts(plot_layers(report(layer("fc", missing=23))))


def test_pairs_beyond_the_axis_are_named_in_its_title() -> None:
    measured = layer("fc", units=64)
    measured.mutual_information[0, 1] = measured.mutual_information[1, 0] = 5.25
    figure = plot_layers(report(measured))
    assert "largest pair 5.25 not shown" in texts(figure)
    assert figure.axes[1].get_xlim()[1] < 5.25
    assert "not shown" not in texts(plot_layers(report(layer("fc", information=0.3))))


def test_few_units_are_drawn_as_points() -> None:
    def points(units: int) -> int:
        lines = plot_layers(report(layer("fc", units=units))).axes[0].lines
        return sum(len(line.get_ydata()) for line in lines if line.get_marker() == "o")

    assert (points(15), points(16)) == (15, 0)


def test_of_more_than_64_layers_64_are_drawn_evenly_from_first_to_last() -> None:
    figure = plot_layers(report(*(layer(f"blocks.{index}", units=4, seed=index) for index in range(80))))
    assert number_of_boxes(figure) == 64
    assert figure.get_suptitle().endswith("64 of 80 layers")
    rows, numbers = names_of_rows(figure), names_of_boxes(figure)
    assert len(rows) <= 20
    # Below the boxes is room for every second number.
    assert rows[::2] == [f"blocks.{number}  {number}" for number in numbers]
    assert rows[0] == "blocks.0  0"


def test_long_names_lose_what_they_share_and_then_their_middle() -> None:
    shared = [layer(f"model.encoder.layers.{index}.projection", units=4) for index in range(2)]
    assert names_of_rows(plot_layers(report(*shared))) == ["…0.projection", "…1.projection"]
    long = layer("a_very_long_name_of_one_single_layer", units=4)
    assert names_of_rows(plot_layers(report(long))) == ["a_very_l…ne_single_layer"]


def test_names_that_do_not_fit_below_the_boxes_are_numbers_there() -> None:
    figure = plot_layers(report(*(layer(f"backbone.block{index}.conv", units=4) for index in range(4))))
    assert names_of_boxes(figure) == ["0", "1", "2", "3"]
    assert names_of_rows(figure)[3] == "backbone.block3.conv  3"


def test_a_name_is_no_formula() -> None:
    assert picture(plot_layers(report(layer(r"a$\frac$", units=4))))  # as a formula it would raise


def test_the_same_report_gives_the_same_picture_whatever_the_global_generators() -> None:
    measured = report(layer("fc", units=90))  # 4,005 pairs, of which 3,000 are drawn
    np.random.seed(1)
    state = np.random.get_state()[1].copy()
    first = picture(plot_layers(measured))
    assert (np.random.get_state()[1] == state).all()
    np.random.seed(2)
    assert picture(plot_layers(measured)) == first


def test_a_report_without_layers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"report: at least one measured layer is required, got none .*see report\."):
        plot_layers(report())
