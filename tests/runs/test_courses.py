"""Histories taken apart by layer and measure."""

from __future__ import annotations

import math

from lightning_infomem.runs.courses import MonitorCourse


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


def test_names_are_taken_apart_by_prefix_layer_and_measure():
    course = MonitorCourse.of("infomem", history("infomem"))
    assert course.steps == (10, 20)
    assert list(course.layers) == ["fc.0"]
    assert course.layers["fc.0"]["mi_mean"].values == (0.1, 0.2)
    assert course.get("mi_mean").values == (0.25, 0.25)
    assert [course.epoch(step) for step in (9, 15, 20)] == [None, 1, 2]
    assert course.layer_courses().mutual_information.tolist() == [[0.1, 0.2]]


def test_a_prefix_is_looked_for_as_it_was_logged():
    assert MonitorCourse.of("train/infomem", history("train_infomem")).layers.keys() == {"fc.0"}


def test_names_of_others_and_names_that_nobody_logs_are_passed_over():
    odd = {f"infomem/{name}/mi_mean": 1.0 for name in ("\x1b[2J", "a/b", "\ud800")}
    others = {"other/fc/mi_mean": 1.0, "loss": 1.0, "infomem/\x1b": 1.0}
    course = MonitorCourse.of("infomem", [{**odd, **others, "step": 1.0}])
    assert (course.layers, course.over_layers) == ({}, {})


def test_a_value_is_that_of_the_last_measurement_which_had_it():
    first, second = history("infomem")
    del second["infomem/fc.0/entropy_mean"]
    course = MonitorCourse.of("infomem", [first, second]).layers["fc.0"]["entropy_mean"]
    assert (course.at(20), course.last) == (2.0, 2.0)
    assert math.isnan(course.at(5))
