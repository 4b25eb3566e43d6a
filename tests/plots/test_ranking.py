from __future__ import annotations

import dataclasses
import io
import math
from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from lightning_infomem.plots import plot_ranking
from tests.plots.rankings import Ranking, Row, make_rows

BLUE, GREY = "#0072b2", "#999999"


def _labels(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def _dots(axes):
    return [line for line in axes.lines if line.get_marker() not in ("None", "", None)]


def _legend(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_a_line_a_checkpoint_best_on_top_with_value_interval_and_probability() -> None:
    figure = plot_ranking(Ranking(make_rows(3)))
    assert type(figure) is Figure
    axes, shares = figure.axes
    assert _labels(axes) == ["r0", "r1", "r2"]
    assert [tuple(dot.get_xydata()[0]) for dot in _dots(axes)] == [(0.1, 0), (0.11, 1), (pytest.approx(0.12), 2)]
    ends = [tuple(lines.get_segments()[0][:, 0]) for lines in axes.collections]
    assert ends == [row.interval for row in make_rows(3)]
    bottom, top = axes.get_ylim()
    assert top < 0 < 2 < bottom
    assert _labels(shares) == ["0.50", "0.50", "0.00"]
    assert shares.get_ylim() == axes.get_ylim()


def test_the_best_set_is_blue_and_the_others_grey() -> None:
    figure = plot_ranking(Ranking(make_rows(3)))
    assert [to_hex(dot.get_color()) for dot in _dots(figure.axes[0])] == [BLUE, BLUE, GREY]
    assert _legend(figure) == ["indistinguishable from the best", "worse than the best"]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("heuristic", "lower is better"),
        ("example", "higher is better"),
        ("nearest", "closer to the reference is better"),
        (None, "no ranking"),
    ],
)
def test_the_axis_names_quantity_unit_and_direction(order: str | None, words: str) -> None:
    axes = plot_ranking(Ranking(make_rows(2), order)).axes[0]
    assert axes.get_xlabel() == f"mean mutual information (nats) · {words}"


def _led(criterion, rank=1, **fields):
    rows = [
        dataclasses.replace(row, rank=rank + place, score=0.9 - 0.1 * place, score_interval=(0.7, 0.95))
        for place, row in enumerate(make_rows(2))
    ]
    return Ranking(tuple(rows), fields.pop("order", None), criterion=criterion, **fields)


def test_another_criterion_that_leads_is_drawn_instead_of_mutual_information() -> None:
    figure = plot_ranking(_led("consensus_accuracy"))
    axes = figure.axes[0]
    assert [dot.get_xydata()[0][0] for dot in _dots(axes)] == [0.9, 0.8]
    assert [tuple(lines.get_segments()[0][:, 0]) for lines in axes.collections] == [(0.7, 0.95)] * 2
    assert axes.get_xlabel() == "consensus accuracy · higher is better"
    assert _legend(figure) == ["indistinguishable from the best", "worse than the best"]
    turned = plot_ranking(_led("rankme", order="example")).axes[0]
    assert turned.get_xlabel() == "rankme · lower is better"


def test_the_control_is_left_out_where_it_has_no_value_of_what_leads() -> None:
    control = Row(Path("untrained control"), 0.3, (0.25, 0.35), scores={"rankme": 5.0})
    assert _labels(plot_ranking(_led("consensus_accuracy", control=control)).axes[0]) == ["r0", "r1"]
    axes = plot_ranking(_led("rankme", order="heuristic", control=control)).axes[0]
    assert _labels(axes) == ["r0", "r1", "untrained control"]
    assert _dots(axes)[-1].get_xydata()[0][0] == 5.0


def test_the_marker_is_the_kind_of_memorization() -> None:
    kinds = (None, "heuristic", "example")
    rows = [dataclasses.replace(row, kind=kind) for row, kind in zip(make_rows(3), kinds, strict=True)]
    figure = plot_ranking(Ranking(tuple(rows)))
    assert [dot.get_marker() for dot in _dots(figure.axes[0])] == ["o", "^", "s"]
    assert _legend(figure)[2:] == [
        "heuristic: more MI than the reference",
        "example: less MI than the reference",
        "like the reference",
    ]


def test_groups_have_a_panel_of_their_own_above_on_the_same_scale() -> None:
    groups = tuple(dataclasses.replace(row, name=f"recipe {row.path.parent.name}") for row in make_rows(2))
    figure = plot_ranking(Ranking(make_rows(3), groups=groups))
    above, below = figure.axes[:2]
    assert _labels(above) == ["recipe r0", "recipe r1"]
    assert above.get_position().y0 > below.get_position().y1
    assert above.get_xlim() == below.get_xlim()
    assert (above.get_title(loc="left"), below.get_title(loc="left")) == ("recipes", "checkpoints")


def test_the_control_is_an_open_marker_in_the_last_line() -> None:
    control = Row(Path("untrained control"), 0.3, (0.25, 0.35))
    axes, shares = plot_ranking(Ranking(make_rows(2), control=control)).axes
    assert _labels(axes) == ["r0", "r1", "untrained control"]
    marker = _dots(axes)[-1]
    assert tuple(marker.get_xydata()[0]) == (0.3, 2)
    assert to_hex(marker.get_markerfacecolor()) == "#ffffff"
    bottom, _ = axes.get_ylim()
    assert bottom > 2
    assert shares.get_ylim() == axes.get_ylim()  # else the probabilities would stand beside other lines


def test_of_many_checkpoints_the_best_40_are_drawn_and_the_figure_says_so() -> None:
    figure = plot_ranking(Ranking(make_rows(60)))
    axes = figure.axes[0]
    assert _labels(axes) == [f"r{place}" for place in range(40)]
    assert len(_dots(axes)) == 40
    assert axes.get_title(loc="left") == "checkpoints: the best 40 of 60"
    unranked = plot_ranking(Ranking(make_rows(60, probability_best=None, in_best_set=None), None))
    assert unranked.axes[0].get_title(loc="left") == "checkpoints: the first 40 of 60"


def test_without_an_interval_there_is_only_the_dot() -> None:
    rows = (dataclasses.replace(make_rows(1)[0], interval=(math.nan, math.nan)), make_rows(2)[1])
    axes = plot_ranking(Ranking(rows)).axes[0]
    assert len(_dots(axes)) == 2
    assert len(axes.collections) == 1


def test_names_and_markup_are_drawn_as_they_are() -> None:
    rows = tuple(dataclasses.replace(row, path=Path(f"${place}_x$.ckpt")) for place, row in enumerate(make_rows(2)))
    figure = plot_ranking(Ranking(rows))
    figure.savefig(io.BytesIO(), format="svg")
    assert _labels(figure.axes[0]) == ["$0_x$", "$1_x$"]


def test_no_checkpoint_is_no_figure() -> None:
    with pytest.raises(ValueError, match="ranking: at least one checkpoint is required, got none"):
        plot_ranking(Ranking(()))
