from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lightning_infomem.plots import plot_criteria
from tests.plots.rankings import Ranking, make_rows

# Of the last checkpoint no norm is known, and the epoch tells nothing.
RANKS = ({"information": 1, "norm": 2, "epoch": 1}, {"information": 2, "norm": 1, "epoch": 1}, {"information": 3})
RANKING = Ranking(tuple(dataclasses.replace(row, ranks=rank) for row, rank in zip(make_rows(3), RANKS, strict=True)))


def _numbers(axes):
    return {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}


def test_a_cell_is_the_rank_of_a_checkpoint_by_a_criterion() -> None:
    figure = plot_criteria(RANKING)
    assert type(figure) is Figure
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["information", "norm", "epoch"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["r0", "r1", "r2"]
    # (column, line); a criterion in which all share rank 1 has no numbers.
    assert _numbers(axes) == {(0, 0): "1", (0, 1): "2", (0, 2): "3", (1, 0): "2", (1, 1): "1"}
    framed = {(round(box.get_x()), round(box.get_y())) for box in axes.patches if isinstance(box, Rectangle)}
    assert framed == {(0, 0), (1, 1)}
    assert "grey: all share rank 1" in figure.get_supxlabel()


def test_better_is_darker_and_what_is_not_known_is_white() -> None:
    colors = np.asarray(plot_criteria(RANKING).axes[0].images[0].get_array())
    darkness = 1 - colors[..., :3].mean(axis=-1)
    assert darkness[0, 0] > darkness[1, 0] > darkness[2, 0] > 0
    assert darkness[2, 1] == 0
    assert np.ptp(darkness[:, 2]) == 0


def test_columns_stand_in_the_order_that_is_asked_for_and_unknown_ones_are_left_out() -> None:
    axes = plot_criteria(RANKING, ["norm", "path_norm", "information"]).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["norm", "information"]
    assert _numbers(axes)[0, 1] == "1"


def test_names_are_words() -> None:
    rows = tuple(dataclasses.replace(row, ranks={"dead_fraction": 1}) for row in make_rows(2))
    axes = plot_criteria(Ranking(rows)).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["dead fraction"]


def test_of_many_checkpoints_the_best_40_are_drawn_with_their_ranks_among_all() -> None:
    rows = tuple(dataclasses.replace(row, ranks={"x": 60 - place}) for place, row in enumerate(make_rows(60)))
    figure = plot_criteria(Ranking(rows))
    assert len(figure.axes[0].get_yticklabels()) == 40
    assert _numbers(figure.axes[0])[0, 39] == "21"
    assert "the best 40 of 60" in figure.get_supxlabel()


@pytest.mark.parametrize(("rows", "criteria"), [(make_rows(2), None), (RANKING.rows, ["path_norm"])])
def test_without_any_rank_there_is_no_figure(rows, criteria) -> None:
    with pytest.raises(ValueError, match="ranking: checkpoints with a rank are required, got none"):
        plot_criteria(Ranking(rows), criteria)
