"""Logged values by measure and layer."""

from __future__ import annotations

import math

from lightning_infomem.runs.course import Course


def history(prefix):
    return [
        {
            f"{prefix}/fc.0/mi_mean": 0.1 * count,
            f"{prefix}/fc.0/entropy_mean": 2.0,
            f"{prefix}/mi_mean": 0.25,
            "epoch": float(count),
            "step": 10.0 * count,
        }
        for count in (1, 2)
    ]


def test_values_are_found_by_measure_and_layer():
    course = Course("infomem", history("infomem"))
    assert (course.steps, course.epochs, course.layers) == ([10, 20], [1.0, 2.0], ["fc.0"])
    assert course.values("mi_mean", "fc.0") == [0.1, 0.2]
    assert course.values("mi_mean") == [0.25, 0.25]
    assert course.last("mi_mean", "fc.0") == 0.2
    assert course.layer_courses().mutual_information.tolist() == [[0.1, 0.2]]
    assert course.layer_courses().moments == [1, 2]
    assert course.layer_courses(by_step=True).moments == [10, 20]


def test_a_prefix_is_looked_for_as_it_was_logged():
    for prefix in ("train/infomem", "a/b/c", "fc.0"):
        course = Course(prefix, history(prefix))
        assert (course.layers, course.last("mi_mean", "fc.0"), course.last("mi_mean")) == (["fc.0"], 0.2, 0.25)


def test_names_of_others_and_names_that_nobody_logs_are_no_layers():
    odd = {f"infomem/{name}/mi_mean": 1.0 for name in ("\x1b[2J", "a/b", "\ud800")}
    others = {"other/fc/mi_mean": 1.0, "loss": 1.0, "infomem/\x1b": 1.0}
    assert Course("infomem", [{**odd, **others, "epoch": 0.0, "step": 1.0}]).layers == []


def test_what_was_not_logged_is_nan():
    first, second = history("infomem")
    del second["infomem/fc.0/entropy_mean"]
    values = Course("infomem", [first, second]).values("entropy_mean", "fc.0")
    assert values[0] == 2.0
    assert math.isnan(values[1])
    assert math.isnan(Course("infomem").last("mi_mean"))
