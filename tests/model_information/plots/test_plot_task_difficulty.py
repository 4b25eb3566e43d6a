from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from lightning_infomem.model_information import TaskDifficulty, TaskRun
from lightning_infomem.model_information.plots import plot_task_difficulty

PUBLISHED = json.loads((Path(__file__).parents[2] / "data" / "published_model_information.json").read_text())
TABLES = {
    "missing pixels": "modelinfo_table2_missing_pixels",
    "missing objects": "modelinfo_table3_missing_objects",
    "wrong labels": "modelinfo_table4_massart",
}


def published() -> dict[str, TaskDifficulty]:
    """Of single runs, whose seeds are not told; the noise is told of the first table alone, so that rows are named."""
    results = {}
    for kind, key in TABLES.items():
        rows = zip(*(PUBLISHED[key][name] for name in ("L", "acc", "conf")), strict=True)
        results[kind] = TaskDifficulty(tuple(TaskRun(f"row {place}", 0, *row) for place, row in enumerate(rows)))
    return results


def made_up(slope: float, names: tuple[str, ...] = ("clean", "a little", "much"), seeds: int = 3) -> TaskDifficulty:
    runs = [
        TaskRun(name, seed, 400 + slope * place + 20 * seed, 0.9 - 0.2 * place + 0.01 * seed, 0.8 - 0.1 * place)
        for place, name in enumerate(names)
        for seed in range(seeds)
    ]
    return TaskDifficulty(tuple(runs))


def points(axes, place=0):
    return axes.containers[place][0].get_xydata()


def test_the_published_tables_are_drawn_as_they_are_printed():
    results = published()
    records = results["missing pixels"].to_records()
    assert [record["bits"] for record in records] == [1559, 1718, 2120, 2719]
    assert all(math.isnan(record["bits_spread"]) for record in records)
    figure = plot_task_difficulty(results)
    assert len(figure.axes) == 3
    for axes, name in zip(figure.axes, ("L", "acc", "conf"), strict=True):
        for place, key in enumerate(TABLES.values()):
            assert points(axes, place)[:, 1].tolist() == PUBLISHED[key][name]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(TABLES)
    assert figure.get_suptitle() == "what was learned from tasks · seed 0"


def test_points_stand_at_their_levels_with_intervals_over_seeds_and_lines_between():
    result = made_up(100)
    axes = plot_task_difficulty(result, levels=(0, 0.1, 0.4), level_name="share missing").axes[0]
    assert axes.get_xlabel() == "share missing"
    assert points(axes).tolist() == [[0, 420], [0.1, 520], [0.4, 620]]
    assert axes.containers[0][0].get_linestyle() == "-"
    spread = result.to_records()[1]["bits_spread"]
    bars = axes.containers[0][2][0].get_segments()
    assert np.allclose(bars[1], [[0.1, 520 - spread], [0.1, 520 + spread]])


def test_tasks_without_levels_stand_side_by_side_with_their_names():
    figure = plot_task_difficulty(made_up(-50))
    axes = figure.axes[2]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["clean", "a little", "much"]
    assert axes.containers[0][0].get_linestyle() == "None"
    assert figure.get_suptitle().endswith("means over seeds 0, 1, 2, 95 % intervals")
    assert not figure.legends


def test_several_results_do_not_cover_each_other():
    figure = plot_task_difficulty({"one": made_up(0), "other": made_up(0)}, levels=(0, 1, 2))
    first, second = points(figure.axes[0], 0)[:, 0], points(figure.axes[0], 1)[:, 0]
    assert np.allclose(second - first, 0.024)


def test_quantities_that_are_not_known_and_values_that_are_not_finite_are_left_out():
    result = TaskDifficulty((TaskRun("a", 0, 5.0), TaskRun("b", 0, math.nan), TaskRun("c", 0, 7.0)))
    figure = plot_task_difficulty(result)
    assert [axes.get_title("left") for axes in figure.axes] == ["information learned (bits)"]
    assert points(figure.axes[0]).tolist() == [[0, 5], [2, 7]]


@pytest.mark.parametrize(
    ("results", "levels", "message"),
    [
        ({}, None, "results: one to 7 are required, got 0"),
        ({str(place): made_up(1) for place in range(8)}, None, "one to 7 are required, got 8"),
        ({"a": made_up(1), "b": made_up(1, ("clean",))}, None, "3 tasks in each, .* required, got 1 in 'b'"),
        (made_up(1), (0, 1), "levels: one for each of the 3 tasks"),
        (made_up(1), (0, 1, math.inf), "levels: finite numbers"),
    ],
)
def test_wrong_input_is_told(results, levels, message):
    with pytest.raises(ValueError, match=message):
        plot_task_difficulty(results, levels=levels)
