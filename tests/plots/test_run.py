from __future__ import annotations

import dataclasses
import io
import math
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from lightning_infomem.plots import plot_run
from lightning_infomem.records.judgement import Judgement

COUNT = 10
SMOOTHNESS = [0.70, 0.80, 0.90, 0.90, 0.88, 0.85, 0.82, 0.80, 0.79, 0.78]
AGREEMENT = (math.nan, 0.90, 0.95, 0.98, 0.97, 0.96, 0.92, 0.90, 0.89, 0.88)
MEMORIZING = [False] * 8 + [True] * 2
ALARMED = Judgement(True, 3, smoothness_drop=0.12, consensus_drop=0.10, consensus_drop_error=0.01, agreement=AGREEMENT)
CALM = Judgement(False, 9, smoothness_drop=0.02, consensus_drop=0.01, consensus_drop_error=0.01, agreement=AGREEMENT)
REASON = "the validation inputs are others than before at the last 3 of 25 measurements; validate the same inputs "


def run(judgement: Judgement = ALARMED, *, count: int = COUNT, **others: Any) -> Figure:
    """The figure of the last measurements of a run of ten, numbered from 0."""
    given: dict[str, Any] = {
        "epochs": list(range(count)),
        "mutual_information": [0.1 + 0.01 * index for index in range(count)],
        "smoothness": SMOOTHNESS[-count:],
        "memorizing": MEMORIZING[-count:] if judgement.is_memorizing else [False] * count,
    }
    return plot_run(judgement=judgement, **{**given, **others})


def course(axes: Axes) -> list[tuple[float, float]]:
    return [tuple(point) for point in axes.lines[0].get_xydata().tolist()]


def shaded(axes: Axes) -> list[tuple[float, float]]:
    return [(each.get_x(), each.get_x() + each.get_width()) for each in axes.patches if isinstance(each, Rectangle)]


def dashed(axes: Axes) -> list[float]:
    """Where vertical lines stand."""
    return [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]


def dotted(axes: Axes) -> list[float]:
    """How high horizontal lines lie."""
    return [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"]


def headings(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left").split(":")[0].split(" (")[0] for axes in figure.axes]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for each in figure.legends for text in each.get_texts()]


def drawn(figure: Figure) -> Figure:
    """Once laid out; the warnings of a layout that does not fit are errors."""
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    return figure


def corners(text: Text) -> tuple[float, float, float, float]:
    box = text.get_window_extent()
    return box.x0, box.y0, box.x1, box.y1


def test_what_is_watched_is_drawn_over_the_epochs() -> None:
    figure = run(metric=[0.5] * COUNT, metric_name="val_accuracy")
    assert type(figure) is Figure
    information, smoothness, agreement, metric = figure.axes
    assert course(information) == [(epoch, 0.1 + 0.01 * epoch) for epoch in range(COUNT)]
    assert course(smoothness) == list(enumerate(SMOOTHNESS))
    assert course(agreement)[1:] == list(enumerate(AGREEMENT))[1:]
    assert math.isnan(course(agreement)[0][1])
    assert course(metric) == [(epoch, 0.5) for epoch in range(COUNT)]
    assert headings(figure)[1:] == ["smoothness", "consensus", "val_accuracy"]
    assert "(nats)" in information.get_title(loc="left")
    assert metric.get_xlabel() == "epoch"


def test_the_alarm_is_shaded_from_the_first_of_the_moments_that_it_rests_on() -> None:
    figure = run()
    assert [shaded(axes) for axes in figure.axes] == [[(6, 9)]] * 3
    assert figure.get_suptitle() == "memorizes from epoch 6 on: keep the checkpoint of epoch 3"
    assert "alarm is on" in legend(figure)


def test_an_alarm_that_went_off_again_is_shaded_and_the_title_knows_the_last() -> None:
    memorizing = [False, False, True, False, False, False, False, False, False, False]
    past = run(CALM, memorizing=memorizing)
    assert shaded(past.axes[0]) == [(0, 2)]
    assert past.get_suptitle() == "no longer any sign of memorization"
    memorizing[-1] = True
    twice = run(memorizing=memorizing)
    assert shaded(twice.axes[0]) == [(0, 2), (7, 9)]
    assert twice.get_suptitle().startswith("memorizes from epoch 7 on")


def test_stretches_that_share_a_moment_are_one() -> None:
    assert shaded(run(CALM, memorizing=[0, 0, 0, 1, 0, 1, 0, 0, 0, 0]).axes[0]) == [(1, 5)]


def test_the_first_moments_of_a_run_whose_begin_is_not_known_can_be_shaded() -> None:
    assert shaded(run(CALM, memorizing=[1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).axes[0]) == [(0, 0)]


def test_the_moment_to_keep_is_a_line_with_its_epoch_beside_it() -> None:
    figure = drawn(run())
    assert [dashed(axes) for axes in figure.axes] == [[3]] * 3
    (label,) = figure.axes[0].texts
    assert label.get_text() == "kept: epoch 3"


@pytest.mark.parametrize("kept", [0, 4, 5, 8])
def test_the_label_of_the_moment_to_keep_is_inside_the_figure_and_above_the_line_of_data(kept: int) -> None:
    figure = drawn(run(dataclasses.replace(ALARMED, kept=kept), mutual_information=[0.3] * COUNT))
    axes = figure.axes[0]
    (label,) = axes.texts
    left, bottom, right, _ = corners(label)
    assert 0 < left < right < figure.bbox.x1
    assert bottom > axes.transData.transform((0, 0.3))[1]


def test_a_run_without_an_alarm_has_a_quiet_title_and_nothing_to_keep() -> None:
    figure = run(CALM)
    assert figure.get_suptitle() == "no sign of memorization"
    assert [shaded(axes) + dashed(axes) for axes in figure.axes] == [[]] * 3
    assert "alarm is on" not in legend(figure)


def test_the_level_of_the_alarm_lies_5_points_below_the_highest_of_what_it_waits_for() -> None:
    information, smoothness, agreement = run().axes
    assert dotted(information) == []
    assert dotted(smoothness) == pytest.approx([0.85])
    assert dotted(agreement) == pytest.approx([0.93])
    assert legend(run())[0].startswith("current alarm level")


def test_no_level_is_drawn_where_the_last_moment_could_not_be_judged() -> None:
    figure = run(Judgement(False, 9, agreement=(math.nan,) * COUNT))
    assert [dotted(axes) for axes in figure.axes] == [[]] * 3
    assert figure.legends == []


def test_noise_does_not_fill_a_panel_like_a_fall() -> None:
    noise = [0.9 + 0.001 * (index % 2) for index in range(COUNT)]
    _, smoothness, _ = run(Judgement(False, 9, agreement=AGREEMENT), smoothness=noise).axes
    low, high = smoothness.get_ylim()
    assert high - low > 0.1
    information = run(mutual_information=noise).axes[0]
    low, high = information.get_ylim()
    assert high - low > 0.09


@pytest.mark.parametrize("lines", [1, 2, 5])
def test_the_reason_of_an_abstention_is_wrapped_whole_between_title_and_panels(lines: int) -> None:
    reason = (REASON * lines).strip()
    figure = drawn(run(Judgement(False, 9, abstention=reason)))
    assert figure.get_suptitle() == "memorization: no verdict"
    (text,) = (each for each in figure.texts if each.get_text() != figure.get_suptitle())
    assert " ".join(text.get_text().split()) == reason
    left, bottom, right, top = corners(text)
    assert 0 < left < right < figure.bbox.x1
    assert top < corners(figure._suptitle)[1]
    heading = figure.axes[0]._left_title
    assert bottom > corners(heading)[3]


def test_a_panel_of_which_nothing_is_known_yet_says_so_and_stays() -> None:
    figure = run(Judgement(False, 9, abstention="too few"))
    assert headings(figure)[1:] == ["smoothness", "consensus"]
    assert [text.get_text() for text in figure.axes[2].texts] == ["unknown"]


def test_a_network_without_classes_has_no_panels_of_predictions() -> None:
    nothing = [math.nan] * COUNT
    figure = run(Judgement(False, 9, abstention="no classes"), smoothness=nothing)
    assert headings(figure) == ["mean mutual information of pairs of hidden units"]
    figure = run(Judgement(False, 9, abstention="no classes"), smoothness=nothing, metric=nothing)
    assert headings(drawn(figure))[1:] == ["metric"]


def test_steps_stand_in_for_epochs_that_come_twice_or_are_not_whole() -> None:
    steps = [1000 * index for index in range(COUNT)]
    for epochs in ([index // 2 for index in range(COUNT)], [index / 2 for index in range(COUNT)]):
        figure = run(epochs=epochs, steps=steps)
        assert figure.axes[-1].get_xlabel() == "step"
        assert [place for place, _ in course(figure.axes[0])] == steps
        assert figure.get_suptitle() == "memorizes from step 6,000 on: keep the checkpoint of step 3,000"
    assert run(steps=steps).axes[-1].get_xlabel() == "epoch"
    halves = run(epochs=[index / 2 for index in range(COUNT)])
    assert halves.axes[0].texts[0].get_text() == "kept: epoch 1.50"


def test_a_judgement_of_the_last_moments_only_belongs_to_the_last_measurements() -> None:
    """As of a run that was resumed from a checkpoint without its moments."""
    judgement = Judgement(True, 1, smoothness_drop=0.1, consensus_drop=0.1, agreement=(0.9, 0.95, 0.9, 0.8, 0.8, 0.8))
    figure = run(judgement)
    assert dashed(figure.axes[0]) == [5]
    assert [place for place, value in course(figure.axes[2]) if value == value] == [4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("count", [1, 2, 300])
def test_any_number_of_measurements_is_drawn(count: int) -> None:
    values = np.linspace(0.5, 0.6, count)
    if count > 2:
        values[count // 2] = math.inf
    judgement = Judgement(False, count - 1, agreement=tuple(values))
    figure = drawn(run(judgement, count=count, mutual_information=values, smoothness=values, memorizing=[0] * count))
    assert len(course(figure.axes[0])) == count
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    labels = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert len(labels) == len(set(labels))


def test_a_name_is_no_formula_and_a_long_one_is_not_cut_off() -> None:
    name = r"a$\frac$ " + "of_a_name_that_goes_on " * 10
    figure = drawn(run(metric=[0.5] * COUNT, metric_name=name))
    heading = figure.axes[-1]._left_title
    assert " ".join(heading.get_text().split()) == name.strip()
    assert corners(heading)[2] < figure.bbox.x1


def test_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match="epochs: at least one measurement is required"):
        run(CALM, count=0, epochs=[], memorizing=[])
    for name in ("mutual_information", "smoothness", "memorizing", "steps", "metric"):
        with pytest.raises(ValueError, match=f"{name}: one for each of the 10 epochs is required, got 2"):
            run(**{name: [0, 0]})
    with pytest.raises(ValueError, match="judgement: at most 4 moments, one per epoch, are required, got 10"):
        run(CALM, count=4)
