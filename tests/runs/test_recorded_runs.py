"""Runs out of event files and checkpoints."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from lightning_infomem.checkpoints.reading import find_checkpoints
from lightning_infomem.records.report import COURSE_KEY, HISTORY_KEY, REPORT_KEY
from lightning_infomem.runs.history import history_from_state
from lightning_infomem.runs.recorded_runs import recorded_runs
from tests.checkpoints.checkpoint_files import make_report, make_run, save_checkpoint, save_run


def runs_in(*places):
    checkpoints = [
        path for place in places for path in (find_checkpoints(place) if list(place.rglob("*.ckpt")) else [])
    ]
    return recorded_runs(places, checkpoints)


def log(folder, reports):
    """What a logger gets of a run; Lightning counts its steps from 0."""
    path = save_run(folder / "for-its-history.ckpt", reports)
    (state,) = torch.load(path, weights_only=True)["callbacks"].values()
    path.unlink()
    with SummaryWriter(str(folder)) as writer:
        for values in history_from_state(state[HISTORY_KEY]):
            for name, value in values.items():
                if name != "step":
                    writer.add_scalar(name, value, int(values["step"]) - 1)


def test_a_checkpoint_tells_the_whole_run_that_it_ends(tmp_path):
    reports = make_run(8, memorizes=True)
    path = save_run(tmp_path / "last.ckpt", reports)
    (run,), faults = runs_in(tmp_path)
    assert faults == {}
    assert run.place == path
    assert run.course.prefix == "infomem"
    assert list(run.course.layers) == ["first", "last"]
    assert run.course.get("seconds").steps == (10, 20, 30, 40, 50, 60, 70, 80)
    assert run.course.layers["first"]["mi_mean"].values == tuple(
        report["first"].pairs().mean().item() for report in reports
    )
    assert run.report.step == 80
    assert run.judgement.is_memorizing
    assert run.kept == "epoch 3"
    assert run.state[0] == "MEMORIZING since epoch 6; keep epoch 3"


def test_event_files_tell_a_run_without_its_report(tmp_path):
    log(tmp_path / "version_0", make_run(5))
    (run,), faults = runs_in(tmp_path)
    assert faults == {}
    assert run.place == tmp_path / "version_0"
    assert run.course.get("seconds").steps == (9, 19, 29, 39, 49)
    assert (run.report, run.judgement) == (None, None)
    assert run.state[0] == "no sign of stored examples"


def test_event_files_and_checkpoints_of_a_run_are_one_however_their_steps_are_counted(tmp_path):
    reports = make_run(6)
    log(tmp_path / "version_0", reports)
    for count in (3, 6):
        save_run(tmp_path / "version_0" / "checkpoints" / f"{count}.ckpt", reports[:count])
    (run,), _ = runs_in(tmp_path)
    assert run.place == tmp_path / "version_0"
    assert run.report.step == 60
    assert run.judgement is not None  # as far as the event files, and it tells more
    assert len(run.course.get("seconds").steps) == 6


def test_the_values_are_of_the_files_that_reach_furthest(tmp_path):
    reports = make_run(6)
    log(tmp_path / "version_0", reports)
    save_run(tmp_path / "version_0" / "checkpoints" / "best.ckpt", reports[:3])
    (run,), _ = runs_in(tmp_path)
    assert len(run.course.get("seconds").steps) == 6
    assert run.report.step == 30
    assert run.judgement is None  # that of an earlier measurement is not that of the run


def test_checkpoints_of_several_runs_in_one_folder_are_told_apart(tmp_path):
    for name, seed in (("a", 0.0), ("b", 0.125)):
        for count in (4, 5):
            save_run(tmp_path / f"{name}-{count}.ckpt", make_run(count, seed=seed))
    runs, _ = runs_in(tmp_path)
    assert [run.report["first"].pairs().mean().item() for run in runs] == [pytest.approx(0.46), pytest.approx(0.585)]
    assert len(runs) == 2


def test_two_monitors_of_one_network_are_two_records(tmp_path):
    reports = make_run(4)
    one, other = (
        torch.load(save_run(tmp_path / f"{prefix}.ckpt", reports, prefix=prefix), weights_only=True)["callbacks"]
        for prefix in ("first", "second")
    )
    shutil.rmtree(tmp_path)
    # Two that look at the same units would take another time.
    other["MemorizationMonitor[second]"][HISTORY_KEY]["values"] += 0.001
    save_checkpoint(tmp_path / "last.ckpt", reports[-1], callbacks=one | other)
    runs, _ = runs_in(tmp_path)
    assert [run.course.prefix for run in runs] == ["first", "second"]


def test_reports_without_a_course_are_a_run_where_their_steps_differ(tmp_path):
    for report in make_run(5, memorizes=True):
        save_checkpoint(tmp_path / "run" / f"{report.epoch}.ckpt", report, epoch=report.epoch, step=report.step)
        save_checkpoint(tmp_path / "zoo" / f"{report.epoch}.ckpt", make_report({"first": 0.1, "last": 0.2}, step=90))
    (tmp_path / "run" / "cut.ckpt").write_bytes((tmp_path / "run" / "0.ckpt").read_bytes()[:1000])
    (run,), faults = runs_in(tmp_path)
    assert list(faults) == [str(tmp_path / "run" / "cut.ckpt")]
    assert run.place == tmp_path / "run"
    assert run.course.get("seconds").steps == (10, 20, 30, 40, 50)
    assert run.report.step == 50


def test_one_report_without_a_course_is_no_run(tmp_path):
    save_checkpoint(tmp_path / "a.ckpt", make_report({"first": 0.1}))
    assert runs_in(tmp_path) == ([], {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({REPORT_KEY: {"state_version": 99}}, "version"),
        ({HISTORY_KEY: {"names": ["step"]}}, "the course of its run cannot be read"),
        ({COURSE_KEY: {"moments": [{"damaged": 1}]}}, "the course of its run cannot be read"),
        ({COURSE_KEY: {"moments": 3}}, "the course of its run cannot be read"),
    ],
)
def test_a_course_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path, change, reason):
    save_run(tmp_path / "good.ckpt", make_run(4))
    bad = save_run(tmp_path / "bad.ckpt", make_run(5, seed=0.125))
    checkpoint = torch.load(bad, weights_only=True)
    checkpoint["callbacks"]["MemorizationMonitor[infomem]"].update(change)
    torch.save(checkpoint, bad)
    (run,), faults = runs_in(tmp_path)
    assert run.place.name == "good.ckpt"
    assert list(faults) == [str(bad)]
    assert reason in faults[str(bad)]


def test_a_judgement_of_other_moments_is_damage(tmp_path):
    path = save_run(tmp_path / "a.ckpt", make_run(5))
    checkpoint = torch.load(path, weights_only=True)
    course = checkpoint["callbacks"]["MemorizationMonitor[infomem]"][COURSE_KEY]
    course["moments"] = course["moments"][:2]
    torch.save(checkpoint, path)
    assert "other than its 2 moments" in runs_in(tmp_path)[1][str(path)]


@pytest.mark.parametrize(("kept", "damage"), [(100, "1 damaged record is left out"), (0, "damaged from byte 0 on")])
def test_a_damaged_event_file_leaves_what_can_be_read(tmp_path, kept, damage):
    log(tmp_path / "run", make_run(5))
    (path,) = (tmp_path / "run").iterdir()
    content = bytearray(path.read_bytes())
    content[kept : kept + 8] = b"\xff" * 8
    path.write_bytes(content)
    runs, faults = runs_in(tmp_path)
    told = [fault for run in runs for fault in run.faults] or list(faults.values())
    assert len(runs) == (1 if kept else 0)
    assert len(told) == 1
    assert damage in told[0]
