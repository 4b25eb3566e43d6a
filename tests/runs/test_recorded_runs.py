"""Runs out of run files and checkpoints."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from lightning_infomem.checkpoints.huggingface_folder import REPORT_FILE
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, find_checkpoints
from lightning_infomem.records.report import COURSE_KEY, REPORT_KEY
from lightning_infomem.runs.recorded_runs import recorded_runs, runs_of_checkpoint
from lightning_infomem.runs.run_file import RUN_FILE
from tests.checkpoints.checkpoint_files import make_report, make_run, save_checkpoint, save_run
from tests.runs.written_runs import log_run

MONITOR = "MemorizationMonitor[infomem]"


def runs_in(*places):
    checkpoints = [
        path for place in places for path in (find_checkpoints(place) if list(place.rglob("*.ckpt")) else [])
    ]
    return recorded_runs(places, checkpoints)


def change(path, **entries):
    """Replace entries of the monitor's state in a checkpoint."""
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["callbacks"][MONITOR].update(entries)
    torch.save(checkpoint, path)


def test_a_checkpoint_tells_the_whole_run_that_it_ends(tmp_path):
    reports = make_run(8, memorizes=True)
    path = save_run(tmp_path / "last.ckpt", reports)
    (run,), faults = runs_in(tmp_path)
    assert faults == {}
    assert run.place == path
    assert run.course.prefix == "infomem"
    assert run.course.layers == ["first", "last"]
    assert run.course.steps == [10, 20, 30, 40, 50, 60, 70, 80]
    assert run.course.values("mi_mean", "first") == [report["first"].pairs().mean().item() for report in reports]
    assert run.report.step == 80
    assert run.judgement.is_memorizing
    assert (run.last.kept, run.last.kept_step) == ("epoch 3", 40)
    assert run.state[0] == "MEMORIZING since epoch 6; keep epoch 3"


def test_a_run_file_tells_the_same_without_report_and_judgement(tmp_path):
    reports = make_run(8, memorizes=True)
    log_run(tmp_path / "version_0", reports)
    save_run(tmp_path / "kept.ckpt", reports)
    (logged,), faults = recorded_runs([tmp_path / "version_0"], [])
    (saved,), _ = recorded_runs([], [tmp_path / "kept.ckpt"])
    assert faults == {}
    assert logged.place == tmp_path / "version_0"
    assert (logged.report, logged.judgement) == (None, None)
    assert logged.course.steps == saved.course.steps
    assert logged.course.history == saved.course.history
    assert logged.last.kept == saved.last.kept
    assert logged.state == saved.state


def test_a_run_of_which_nothing_is_known_says_why(tmp_path):
    log_run(tmp_path, make_run(3))
    (run,), _ = runs_in(tmp_path)
    assert run.last.abstention == "3 measurements of the run are too few, 4 are required"
    assert run.state == ["too early to tell: 3 of 4 measurements"]


@pytest.mark.parametrize("count", [1, 5])
def test_a_run_without_classes_does_not_ask_for_more_measurements(tmp_path, count):
    regression = [dataclasses.replace(report, task="regression", predictions=None) for report in make_run(count)]
    log_run(tmp_path, regression)
    (run,), _ = runs_in(tmp_path)
    assert run.state == ["cannot tell: the network does regression"]


def test_run_file_and_checkpoints_of_a_run_are_one_wherever_they_lie(tmp_path):
    reports = make_run(6)
    log_run(tmp_path / "logs" / "version_0", reports)
    for count in (3, 6):
        save_run(tmp_path / "kept" / f"{count}.ckpt", reports[:count], run_id="run")
    (run,), _ = runs_in(tmp_path / "logs", tmp_path / "kept")
    assert run.place == tmp_path / "logs" / "version_0"
    assert run.report.step == 60
    assert run.judgement is not None  # as far as the run file, and it tells more
    assert len(run.course.steps) == 6


def test_the_values_are_of_the_files_that_reach_furthest(tmp_path):
    reports = make_run(6)
    log_run(tmp_path / "version_0", reports)
    save_run(tmp_path / "version_0" / "checkpoints" / "best.ckpt", reports[:3], run_id="run")
    (run,), _ = runs_in(tmp_path)
    assert len(run.course.steps) == 6
    assert run.report.step == 30
    assert run.judgement is None  # that of an earlier measurement is not that of the run


def test_a_run_file_that_ended_early_gives_way_to_the_checkpoint(tmp_path):
    reports = make_run(6)
    log_run(tmp_path, reports[:4])
    save_run(tmp_path / "last.ckpt", reports, run_id="run")
    (run,), _ = runs_in(tmp_path)
    assert run.course.steps == [10, 20, 30, 40, 50, 60]


def test_after_a_resume_later_lines_win(tmp_path):
    log_run(tmp_path, make_run(6))
    log_run(tmp_path, make_run(4, seed=0.125), first=2, late=100)  # from the checkpoint of the second epoch
    save_run(tmp_path / "abandoned.ckpt", make_run(6), run_id="run")
    (run,), _ = runs_in(tmp_path)
    assert run.course.steps == [10, 20, 30, 40]
    assert run.course.values("mi_mean", "first") == pytest.approx([0.5, 0.49, 0.605, 0.595])
    assert run.judgement is None


def test_a_run_resumed_in_another_folder_is_one_run(tmp_path):
    reports = make_run(6)
    log_run(tmp_path / "version_0", reports[:4])
    log_run(tmp_path / "version_1", reports, first=3, late=100)
    (run,), _ = runs_in(tmp_path)
    assert run.place == tmp_path / "version_1"
    assert run.course.steps == [10, 20, 30, 40, 50, 60]


def test_the_begin_of_a_run_that_was_resumed_in_another_folder_is_in_its_checkpoint(tmp_path):
    reports = make_run(6)
    log_run(tmp_path / "version_1", reports, first=3, late=100)
    save_run(tmp_path / "version_1" / "checkpoints" / "best.ckpt", reports[:5], run_id="run", late=100)
    (run,), _ = runs_in(tmp_path)
    assert run.course.steps == [10, 20, 30, 40, 50, 60]
    assert run.report.step == 50


def test_two_measurements_at_one_step_are_both_of_the_run(tmp_path):
    reports = make_run(5)
    reports[4] = type(reports[4])(**{**vars(reports[4]), "step": 40, "epoch": 3})
    log_run(tmp_path, reports)
    save_run(tmp_path / "last.ckpt", reports, run_id="run")
    (logged,), _ = recorded_runs([tmp_path], [])
    (saved,), _ = recorded_runs([], [tmp_path / "last.ckpt"])
    assert logged.course.steps == saved.course.steps == [10, 20, 30, 40, 40]


def test_runs_in_one_file_and_checkpoints_in_one_folder_are_distinguished(tmp_path):
    for name, seed in (("a", 0.0), ("b", 0.125)):
        log_run(tmp_path, make_run(5, seed=seed), run_id=name)
        for count in (4, 5):
            save_run(tmp_path / f"{name}-{count}.ckpt", make_run(count, seed=seed), run_id=name)
    runs, _ = runs_in(tmp_path)
    assert [run.last.run_id for run in runs] == ["a", "b"]
    assert [run.report["first"].pairs().mean().item() for run in runs] == [pytest.approx(0.46), pytest.approx(0.585)]


def test_two_monitors_of_one_run_are_two_records(tmp_path):
    for prefix in ("second", "first"):
        log_run(tmp_path, make_run(4), prefix=prefix)
    runs, _ = runs_in(tmp_path)
    assert [run.course.prefix for run in runs] == ["first", "second"]
    assert [run.course.layers for run in runs] == [["first", "last"]] * 2


def test_the_folder_of_a_hugging_face_checkpoint_tells_its_run(tmp_path):
    (state,) = torch.load(save_run(tmp_path / "a.ckpt", make_run(5)), weights_only=True)["callbacks"].values()
    folder = tmp_path / "checkpoint-50"
    folder.mkdir()
    torch.save(state, folder / REPORT_FILE)
    (run,), faults = recorded_runs([], [folder])
    assert faults == {}
    assert run.course.steps == [10, 20, 30, 40, 50]
    assert run.report.step == 50


@pytest.mark.parametrize("change", [{"prefix": "in\x1b[2Jfomem"}, {"run_id": "a\nb"}, {"time": float("inf")}])
def test_a_course_in_a_checkpoint_obeys_the_rules_of_a_line(tmp_path, change):
    path = save_run(tmp_path / "a.ckpt", make_run(5))
    checkpoint = torch.load(path, weights_only=True)
    (state,) = checkpoint["callbacks"].values()
    state[COURSE_KEY].update(change)
    torch.save(checkpoint, path)
    with pytest.raises(UnusableCheckpoint, match="the course of its run cannot be read"):
        runs_of_checkpoint(path)


def test_reports_without_a_course_are_no_run(tmp_path):
    for report in make_run(5):
        save_checkpoint(tmp_path / f"{report.epoch}.ckpt", report, epoch=report.epoch, step=report.step)
    save_checkpoint(tmp_path / "other.ckpt", make_report({"first": 0.1}))
    assert runs_in(tmp_path) == ([], {})


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({REPORT_KEY: {"state_version": 99}}, "version"),
        ({COURSE_KEY: 3}, "the course of its run cannot be read"),
        ({COURSE_KEY: {"run_id": "a"}}, "the course of its run cannot be read"),
    ],
)
def test_a_course_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path, entries, reason):
    save_run(tmp_path / "good.ckpt", make_run(4))
    bad = save_run(tmp_path / "bad.ckpt", make_run(5, seed=0.125))
    change(bad, **entries)
    (run,), faults = runs_in(tmp_path)
    assert run.place.name == "good.ckpt"
    assert list(faults) == [str(bad)]
    assert reason in faults[str(bad)]


def _rows_with(value, at):
    rows = torch.arange(10, dtype=torch.float64).reshape(5, 2)
    rows[at] = value
    return rows


@pytest.mark.parametrize(
    "damage",
    [
        {"history": {"names": ["step"]}},
        {"history": {"names": ["step"], "values": torch.full((5, 1), torch.inf)}},
        {"history": {"names": [3], "values": torch.zeros(5, 1)}},
        *(
            {"history": {"names": ["epoch", "step"], "values": _rows_with(value, at)}}
            for value in (torch.nan, torch.inf, -torch.inf)
            for at in ((2, 0), (2, 1), (4, 1))
        ),
        {"moments": [{"damaged": 1}]},
        {"moments": 3},
        {"moments": []},
        {"highest": [1]},
        {"time": "noon"},
        {"judgement": {"is_memorizing": False, "kept": 4, "agreement": ["all"]}},
    ],
)
def test_a_damaged_course_is_named(tmp_path, damage):
    path = save_run(tmp_path / "a.ckpt", make_run(5))
    course = torch.load(path, weights_only=True)["callbacks"][MONITOR][COURSE_KEY]
    change(path, **{COURSE_KEY: {**course, **damage}})
    runs, faults = runs_in(tmp_path)
    assert runs == []
    assert "the course of its run cannot be read" in faults[str(path)]


def test_a_judgement_of_other_moments_is_damage(tmp_path):
    path = save_run(tmp_path / "a.ckpt", make_run(5))
    course = torch.load(path, weights_only=True)["callbacks"][MONITOR][COURSE_KEY]
    change(path, **{COURSE_KEY: {**course, "moments": course["moments"][:2]}})
    assert "does not match its 2 moments" in runs_in(tmp_path)[1][str(path)]


def test_a_damaged_run_file_leaves_what_can_be_read(tmp_path):
    path = log_run(tmp_path / "run", make_run(5))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], b"\xff" * 100 + b"\n", lines[4]]))
    (run,), faults = runs_in(tmp_path)
    assert faults == {}
    assert run.faults == (f"{RUN_FILE}: 1 line is left out (line 5: no JSON)",)
    assert len(run.course.steps) == 5
    path.write_bytes(b"\xff" * (2**24 + 100) + b"\n" + lines[0])  # longer than any measurement
    (run,), _ = runs_in(tmp_path)
    assert run.faults == (f"{RUN_FILE}: 1 line is left out (line 2: no JSON)",)
    path.write_bytes(b"\xff" * 100 + b"\n")
    assert runs_in(tmp_path) == ([], {str(path): "1 line is left out (line 1: no JSON)"})


def test_lines_that_come_in_no_order_do_no_harm(tmp_path):
    path = log_run(tmp_path, make_run(5))
    path.write_bytes(b"".join(reversed(path.read_bytes().splitlines(keepends=True))))
    (run,), _ = runs_in(tmp_path)
    assert run.course.steps == [10]
