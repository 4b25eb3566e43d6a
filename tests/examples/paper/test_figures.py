from dataclasses import replace

import numpy as np
import pytest

from examples.paper.colored_mnist import EXPERIMENT as COLORED
from examples.paper.figures.layers import draw_layers
from examples.paper.figures.levels import draw_levels
from examples.paper.figures.trends import draw_trends
from examples.paper.shuffled_mnist import EXPERIMENT as SHUFFLED
from lightning_infomem.plots import save_figure

LAYERS = ("layers.linear1", "layers.linear2")
PRESETS = ("default", "paper", "released_code")
ACCURACIES = {0.0: 0.75, 0.5: 0.61, 1.0: 0.5}


def normal_quantiles(mean, deviation):
    values = np.random.default_rng(0).normal(mean, deviation, 4000)
    return np.quantile(values, np.linspace(0, 1, 128)).round(4).tolist()


def make_record(level, seed, *, accuracy=True, experiment=COLORED, information=None):
    """Entropy falls with the level by 1 nat, and mutual information rises from 0.5 by 1 nat."""
    entropy = 3 - level + 0.01 * seed
    pairs = normal_quantiles(0.5 + level, 0.1) if information is None else information
    return {
        "experiment": experiment.name,
        "level": level,
        "seed": seed,
        "extrinsic": {"validation_accuracy": ACCURACIES[level] + 0.02 * seed} if accuracy else {},
        "units": dict.fromkeys(LAYERS, 50),
        "measures": [
            {
                "preset": preset,
                "values": values,
                "layer": layer,
                "entropy": entropy + 10 * (values == "after"),
                "mutual_information": float(np.mean(pairs)),
            }
            for preset in PRESETS
            for values in ("after", "before")
            for layer in ("network", *LAYERS)
        ],
        "distributions": {
            preset: {
                layer: {"entropy": normal_quantiles(entropy - place, 0.2), "mutual_information": pairs}
                for place, layer in enumerate(("network", *LAYERS))
            }
            for preset in PRESETS
        },
    }


@pytest.fixture(scope="module")
def records():
    return [make_record(level, seed) for level in ACCURACIES for seed in (0, 1)]


@pytest.fixture(scope="module")
def figure(records):
    return draw_levels(records, COLORED)


def boxes_of(axes):
    return axes.patches


def medians_of(axes):
    """Height of each black line."""
    lines = [line for line in axes.lines if line.get_color() == "black" and line.get_linestyle() == "-"]
    return [float(line.get_ydata()[0]) for line in lines]


def densities_of(axes):
    return {line.get_label(): line for line in axes.lines if line.get_label() in ("0", "0.5", "1")}


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_every_level_has_a_box_about_its_median(figure):
    boxes = figure.axes[0]
    assert len(boxes_of(boxes)) == 3
    assert medians_of(boxes) == pytest.approx([3.005, 2.505, 2.005], abs=0.02)
    assert [label.get_text() for label in boxes.get_xticklabels()] == ["0", "0.5", "1"]


def test_the_notch_is_the_interval_of_the_median_of_all_units(figure):
    boxes = figure.axes[0]
    heights = sorted(set(np.round(boxes_of(boxes)[0].get_path().vertices[:, 1], 6)))
    first, low, _, high, third = heights
    # 2 seeds of 2 layers of 50 units: 1.96 / 2 / sqrt(200) of the units lie on either side, 0.1738 deviations.
    assert (high - low) / 2 == pytest.approx(0.2 * 0.1738, rel=0.1)
    assert third - first == pytest.approx(2 * 0.2 * 0.6745, rel=0.05)


def test_densities_have_their_peaks_where_pairs_are_many(figure):
    densities = densities_of(figure.axes[1])
    peaks = {name: line.get_xdata()[np.nanargmax(line.get_ydata())] for name, line in densities.items()}
    assert peaks == {
        "0": pytest.approx(0.5, abs=0.03),
        "0.5": pytest.approx(1, abs=0.03),
        "1": pytest.approx(1.5, abs=0.03),
    }
    assert all(np.nanmax(line.get_ydata()) == pytest.approx(1, abs=0.01) for line in densities.values())


def test_a_triangle_marks_the_mean_of_all_pairs(figure):
    panel = figure.axes[1]
    means = [float(line.get_xdata()[0]) for line in panel.lines if line.get_marker() == "^"]
    assert means == pytest.approx([0.5, 1.0, 1.5], abs=0.02)


def test_a_level_has_one_color_in_both_panels_and_beside(figure):
    boxes, panel = figure.axes
    drawn = [box.get_edgecolor() for box in boxes_of(boxes)]
    assert drawn == [line.get_color() for line in densities_of(panel).values()]
    assert drawn == [patch.get_edgecolor() for patch in figure.legends[0].get_patches()]
    brightness = [sum(color[:3]) for color in drawn]
    assert brightness == sorted(brightness)


def test_the_accuracy_of_a_level_is_the_mean_of_its_seeds(figure):
    assert legend_of(figure) == ["0  (76.0%)", "0.5  (62.0%)", "1  (51.0%)"]


def test_axes_and_title_say_what_is_shown(records):
    figure = draw_levels(records, COLORED, "paper")
    boxes, panel = figure.axes
    assert figure.get_suptitle() == "Colored MNIST · paper · 2 seeds"
    assert "nats" in boxes.get_ylabel()
    assert "nats" in panel.get_xlabel()
    assert boxes.get_xlabel() == "alpha"
    assert draw_levels(records[1:], COLORED).get_suptitle().endswith("released code · 1 to 2 seeds")


def test_records_of_other_experiments_are_left_out(records):
    others = [make_record(level, 0, experiment=SHUFFLED) for level in (0.0, 1.0)]
    assert len(boxes_of(draw_levels([*others, *records], SHUFFLED).axes[0])) == 2


@pytest.mark.parametrize("draw", [draw_levels, draw_layers, draw_trends])
def test_no_record_of_the_experiment_is_an_error_that_names_it(records, draw):
    with pytest.raises(ValueError, match="records: at least one of the experiment 'shuffled-mnist'"):
        draw(records, SHUFFLED)


@pytest.mark.parametrize("draw", [draw_levels, draw_layers])
def test_another_preset_is_an_error(records, draw):
    with pytest.raises(ValueError, match="preset: one of 'default', 'paper', 'released_code'"):
        draw(records, COLORED, "released")


def test_levels_are_called_by_their_labels(records):
    named = replace(COLORED, levels=(0.0, 0.5, 1.0), level_labels=("none", "some", "$all$"))
    figure = draw_levels(records, named)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["none", "some", "$all$"]
    assert legend_of(figure)[1] == "some  (62.0%)"


@pytest.mark.parametrize("draw", [draw_levels, draw_layers, draw_trends])
def test_one_level_of_one_seed_without_accuracy_is_drawn(tmp_path, draw):
    figure = draw([make_record(0.5, 0, accuracy=False)], COLORED)
    save_figure(figure, tmp_path / "one.png")
    assert "1 seed" in figure.get_suptitle()
    if figure.legends:
        assert legend_of(figure) == ["0.5"]


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_pairs_that_are_all_equal_are_a_line(tmp_path, value):
    figure = draw_levels([make_record(level, 0, information=[value] * 128) for level in (0.0, 1.0)], COLORED)
    save_figure(figure, tmp_path / "equal.png")
    panel = figure.axes[1]
    assert not densities_of(panel)
    assert [lines.get_segments()[0][0][0] for lines in panel.collections] == [value, value]


@pytest.mark.parametrize(("zeros", "lines"), [(1, 0), (30, 1)])
def test_many_pairs_of_exactly_zero_are_a_line_and_no_part_of_the_density(zeros, lines):
    quantiles = sorted([*[0.0] * zeros, *np.linspace(0.9, 1.1, 128 - zeros)])
    panel = draw_levels([make_record(0.0, 0, information=quantiles)], COLORED).axes[1]
    marks = [mark for mark in panel.collections if mark.get_label() == "0: pairs"]
    assert sum(len(mark.get_segments()) for mark in marks) == lines
    height = densities_of(panel)["0"].get_ydata()
    assert np.isnan(height[0]) or height[0] < 0.1


def test_every_layer_has_a_row_of_its_own_values_on_shared_axes(records):
    figure = draw_layers(records, COLORED)
    assert len(figure.axes) == 4
    for place, name in enumerate(LAYERS):
        boxes, panel = figure.axes[2 * place : 2 * place + 2]
        assert boxes.get_ylabel() == name
        assert medians_of(boxes) == pytest.approx([2.005 - place, 1.505 - place, 1.005 - place], abs=0.02)
        assert panel.get_xlim() == figure.axes[1].get_xlim()
    assert legend_of(figure) == ["0  (76.0%)", "0.5  (62.0%)", "1  (51.0%)"]


def test_trends_have_a_thin_line_a_seed_and_the_mean_in_bold(records):
    figure = draw_trends(records, COLORED)
    assert len(figure.axes) == 6
    thin, other, mean = figure.axes[0].lines
    assert thin.get_linewidth() < mean.get_linewidth()
    np.testing.assert_allclose(thin.get_ydata(), [3, 2.5, 2])
    np.testing.assert_allclose(other.get_ydata(), [3.01, 2.51, 2.01])
    np.testing.assert_allclose(mean.get_ydata(), [3.005, 2.505, 2.005])
    np.testing.assert_allclose(mean.get_xdata(), [0, 0.5, 1])
    assert figure.get_suptitle() == "Colored MNIST · 2 seeds, the mean in bold"


def test_trends_say_in_how_many_seeds_the_expected_sign_is_there(records):
    headings = [axes.get_title() for axes in draw_trends(records, COLORED).axes]
    assert headings == ["expected: falls · 2 of 2 seeds"] * 3 + ["expected: rises · 2 of 2 seeds"] * 3
    opposite = [{**record, "experiment": SHUFFLED.name} for record in records]
    headings = [axes.get_title() for axes in draw_trends(opposite, SHUFFLED, ["paper"]).axes]
    assert headings == ["expected: rises · 0 of 2 seeds", "expected: falls · 0 of 2 seeds"]
    assert draw_trends(records[:1], COLORED, ["paper"]).axes[0].get_title() == "expected: falls"
