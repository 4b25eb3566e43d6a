"""The course of a run while it goes on."""

from __future__ import annotations

import pytest
import torch

from lightning_infomem.runs.run_course import RunCourse
from tests.checkpoints.checkpoint_files import make_run


def make_course():
    course = RunCourse("infomem")
    for report in make_run(6, memorizes=True):
        course.add(report, epoch=report.epoch, step=report.step)
    return course


def test_a_course_comes_back_from_a_checkpoint_to_the_last_digit(tmp_path):
    course = make_course()
    del course.history[0]["infomem/mi_drop"]  # not every measurement has every value
    torch.save(course.to_state(), tmp_path / "a.ckpt")
    state = torch.load(tmp_path / "a.ckpt", weights_only=True)
    restored = RunCourse.from_state(state)
    assert restored.history == course.history
    assert restored.last_measurement() == course.last_measurement()
    assert state["history"]["values"].shape == (6, len(state["history"]["names"]))  # one tensor, which loads fast
    assert RunCourse.from_state(RunCourse("infomem").to_state()).history == []


def test_a_measurement_that_cannot_be_judged_leaves_the_course_as_it_was(monkeypatch):
    course, report = make_course(), make_run(7, memorizes=True)[-1]
    before = course.to_state()

    def fail(*_):
        raise ArithmeticError("no judgement")

    monkeypatch.setattr("lightning_infomem.runs.run_course.judge_next", fail)
    with pytest.raises(ArithmeticError, match="no judgement"):
        course.add(report, epoch=report.epoch, step=report.step)
    assert (len(course.moments), len(course.history)) == (6, 6)
    assert course.judgement.to_state() == before["judgement"]


def test_without_a_measurement_there_is_no_last_one():
    with pytest.raises(ValueError, match="at least one measurement is required"):
        RunCourse("infomem").last_measurement()
