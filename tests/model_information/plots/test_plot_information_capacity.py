from __future__ import annotations

import math

import pytest

from lightning_infomem.model_information import InformationCapacity, TaskDifficulty, TaskRun
from lightning_infomem.model_information.plots import plot_information_capacity
from tests.model_information.test_information_capacity import published_capacity


def made_up(*, seeds: int = 3, nan_at: str = "") -> InformationCapacity:
    learned = {
        name: TaskDifficulty(
            tuple(
                TaskRun(task, seed, math.nan if name == nan_at else 100 * place + 40 * hard * place + 9 * seed)
                for hard, task in enumerate(("easy", "hard", "noisy"))
                for seed in range(seeds)
            )
        )
        for place, name in ((1, "small"), (3, "large"), (2, "middle"))
    }
    return InformationCapacity(learned, {"small": 100, "large": 10_000, "middle": 1_000})


def points(axes):
    return axes.containers[0][0].get_xydata()


def test_capacity_and_bits_a_parameter_stand_over_the_number_of_parameters():
    result = made_up()
    figure = plot_information_capacity(result)
    left, right = figure.axes
    assert points(left).tolist() == [[100, 189], [1000, 369], [10000, 549]]
    assert points(right)[:, 1] == pytest.approx([1.89, 0.369, 0.0549])
    assert {text.get_text() for text in left.texts} == {"small", "middle", "large"}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["easy", "hard", "noisy", "capacity"]
    spread = result.to_records()[0]["capacity_spread"]
    assert left.containers[0][2][0].get_segments()[0][1][1] == pytest.approx(189 + spread)


def test_the_published_table_is_drawn():
    figure = plot_information_capacity(published_capacity())
    assert points(figure.axes[0]).tolist() == [[29457, 7777.0], [49905, 8343.9], [124433, 9410.7], [264657, 10264.0]]
    assert figure.get_suptitle() == "information capacity of models · seed 0"


def test_values_that_are_not_finite_are_left_out():
    left, right = plot_information_capacity(made_up(nan_at="middle")).axes
    assert points(left)[:, 0].tolist() == points(right)[:, 0].tolist() == [100, 10000]
    assert {text.get_text() for text in left.texts} == {"small", "large"}


def test_without_a_model_there_is_no_figure():
    with pytest.raises(ValueError, match="result: at least one model is required"):
        plot_information_capacity(InformationCapacity({}, {}))
