"""A student's code with a teacher and without, as a figure."""

from __future__ import annotations

import math

import pytest

from lightning_infomem.model_information import OnlineCode, SyncedDistillation
from lightning_infomem.model_information.plots import plot_synced_distillation


def result(*seeds, with_teacher=2.0):
    def codes(cost):
        sizes = (10, 20, 0, 40)
        return tuple(OnlineCode(4, sizes, (20.0, 20 * (cost + seed), 0.0, 40 * cost)) for seed in seeds)

    return SyncedDistillation(seeds, codes(with_teacher), codes(1.5), codes(1.0), {"alpha": 0.7, "temperature": 4.0})


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def test_lines_are_bits_a_label_by_the_samples_before_the_block():
    drawn = lines(plot_synced_distillation(result(0, 1)))
    student = drawn["student with teacher"]
    assert student.get_xdata().tolist() == [10, 30]  # neither the first block nor the empty one
    assert student.get_ydata().tolist() == [2.5, 2.0]
    assert drawn["teacher"].get_ydata().tolist() == [1.5, 1.0]
    assert list(drawn["uniform code, 2 bits"].get_ydata()) == [2, 2]


def test_the_title_says_what_is_saved_or_lost_with_its_interval():
    title = plot_synced_distillation(result(0, 1)).axes[0].get_title()
    assert title.startswith("the teacher costs 30 ± 0 bits of 70 labels")
    assert title.endswith("T = 4, 2 seeds")
    assert "saves 30 bits of" in plot_synced_distillation(result(0, with_teacher=1.0)).axes[0].get_title()


def test_one_seed_has_no_bands_and_wide_ones_do_not_flatten_the_lines():
    assert not plot_synced_distillation(result(0)).axes[0].collections
    wide = plot_synced_distillation(result(0, 9)).axes[0]
    assert len(wide.collections) == 3
    assert wide.get_ylim() == (0, pytest.approx(1.15 * 6.5))


def test_an_infinite_code_leaves_a_gap():
    codes = (OnlineCode(4, (10, 20), (20.0, math.inf)),)
    figure = plot_synced_distillation(SyncedDistillation((0,), codes, codes, codes, {"alpha": 1.0, "temperature": 1.0}))
    assert figure.axes[0].get_ylim() == (0, pytest.approx(2.3))
    figure.savefig("/dev/null", format="png")
