"""The run file that the monitor writes beside the files of the logger."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import pytest
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.runs.recorded_runs import recorded_runs
from lightning_infomem.runs.run_file import RUN_FILE, read_run_file
from tests.networks import Classifier, dense, loader, mlp, trainer


@pytest.fixture(autouse=True)
def without_figures(monkeypatch):
    """They have tests of their own, and take longer than the training."""
    monkeypatch.setattr("lightning_infomem.callbacks.run_monitor.run_figures", lambda *_, **__: {})


def fit(folder, *callbacks, resumed_from=None, **options):
    """A run that logs into ``folder / "logs"``."""
    torch.manual_seed(0)
    logger = TensorBoardLogger(folder, name="logs", version="")
    runner = trainer(folder, callbacks=callbacks, **{"logger": logger, **options})
    runner.fit(Classifier(mlp()), loader(dense()), loader(dense()), ckpt_path=resumed_from)
    return runner


def lines_in(folder):
    measured, fault = read_run_file(folder / "logs" / RUN_FILE)
    assert fault is None
    return measured


def history_in(lines):
    return [{**each.values, "epoch": each.epoch, "step": each.step} for each in lines]


def finite(history):
    """A line of a run file leaves out what could not be measured."""
    return [{name: value for name, value in values.items() if math.isfinite(value)} for values in history]


def test_every_measurement_of_the_run_is_a_line_and_nothing_else_is(tmp_path):
    monitor = MemorizationMonitor()
    runner = fit(tmp_path, monitor, max_epochs=4)
    runner.validate(runner.lightning_module, loader(dense()), verbose=False)
    lines = lines_in(tmp_path)
    assert history_in(lines) == finite(monitor.history)
    assert [(line.prefix, line.number) for line in lines] == [("infomem", number) for number in range(4)]
    assert [line.abstention for line in lines[:3]] == [
        f"{count} measurements of the run are too few, 4 are required" for count in (1, 2, 3)
    ]
    judgement = monitor.judgement
    assert (lines[3].abstention, lines[3].is_memorizing) == (judgement.abstention, judgement.is_memorizing)
    assert (lines[3].kept_epoch, lines[3].kept_step) == (3, lines[3].step)
    assert "infomem/drawing_seconds" in lines[0].values


@pytest.mark.parametrize("options", [{"logger": False}, {"fast_dev_run": True}])
def test_without_a_logger_there_is_no_file(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    monitor = MemorizationMonitor()
    fit(tmp_path, monitor, **options)
    assert monitor.history
    assert list(tmp_path.rglob(RUN_FILE)) == []


def test_two_monitors_write_into_one_file(tmp_path):
    monitors = [MemorizationMonitor(), MemorizationMonitor("network.0", prefix="a/first")]
    fit(tmp_path, *monitors)
    lines = lines_in(tmp_path)
    assert [line.prefix for line in lines] == ["infomem", "a/first"] * 2
    assert {line.run_id for line in lines} == {monitors[0].run_id} == {monitors[1].run_id}
    runs, faults = recorded_runs([tmp_path], [])
    assert faults == {}
    assert [(run.course.prefix, run.course.layers) for run in runs] == [
        ("a/first", ["network.0"]),
        ("infomem", ["network.0", "network.2"]),
    ]


def test_a_resumed_run_is_the_same_run_and_its_later_lines_win(tmp_path):
    keeper = ModelCheckpoint(tmp_path / "kept", filename="{epoch}", save_top_k=-1)
    fit(tmp_path, MemorizationMonitor(), keeper, max_epochs=3)
    monitor, keeper = MemorizationMonitor(), ModelCheckpoint(tmp_path / "kept", filename="again-{epoch}")
    fit(tmp_path, monitor, keeper, max_epochs=4, resumed_from=tmp_path / "kept" / "epoch=0.ckpt")
    lines = lines_in(tmp_path)
    assert [line.number for line in lines] == [0, 1, 2, 1, 2, 3]
    assert len({line.run_id for line in lines}) == 1
    (logged,), _ = recorded_runs([tmp_path], [])
    assert logged.course.history == finite(monitor.history)
    checkpoints = sorted(tmp_path.rglob("*.ckpt"))
    (run,), _ = recorded_runs([tmp_path], checkpoints)
    assert (len(checkpoints), finite(run.course.history)) == (4, finite(monitor.history))
    assert run.report.epoch == 3
    (saved,), _ = recorded_runs([], checkpoints)
    assert finite(saved.course.history) == finite(monitor.history)


def test_a_second_run_with_the_same_monitor_is_another_run(tmp_path):
    monitor = MemorizationMonitor()
    for _ in range(2):
        fit(tmp_path, monitor, max_epochs=1)
    first, second = lines_in(tmp_path)
    assert first.run_id != second.run_id
    assert (first.number, second.number) == (0, 0)


def test_a_validation_at_the_step_of_a_measurement_in_training_is_a_line_of_its_own(tmp_path):
    monitor = MemorizationMonitor(dataloader=loader(dense(40)), every_n_train_steps=7)
    fit(tmp_path, monitor, max_epochs=2)
    assert [line.step for line in lines_in(tmp_path)] == [7, 7, 14, 14]
    (run,), _ = recorded_runs([tmp_path], [])
    assert run.course.history == monitor.history


@pytest.mark.parametrize("on_error", ["warn", "raise"])
def test_a_folder_that_cannot_be_written_to_is_one_warning_and_stops_no_run(tmp_path, on_error):
    class Spoiled(MemorizationMonitor):
        state_key = "MemorizationMonitor[infomem]"

        def on_train_start(self, trainer, pl_module):
            super().on_train_start(trainer, pl_module)
            Path(trainer.log_dir, RUN_FILE).mkdir()

    monitor = Spoiled(on_error=on_error)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        runner = fit(tmp_path, monitor, max_epochs=3)
    messages = [str(warning.message) for warning in caught if RUN_FILE in str(warning.message)]
    assert len(messages) == 1
    assert messages[0].startswith("MemorizationMonitor: a measurement could not be written to")
    assert (runner.current_epoch, len(monitor.history)) == (3, 3)


def test_the_id_of_a_run_is_drawn_from_no_generator_of_the_training():
    torch.manual_seed(0)
    first = MemorizationMonitor()
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    second = MemorizationMonitor()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first._course.run_id != second._course.run_id
