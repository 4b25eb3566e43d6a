"""The figures of the run so far, from the callback to the loggers."""

import math
import time

import pytest
import torch
from matplotlib.figure import Figure
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.reporting import run_figures
from tests.networks import Classifier, dense, loader, mlp, trainer

OF_A_MEASUREMENT = {"infomem/layers": 2, "infomem/information_map": 2}  # of two


@pytest.fixture
def calls(monkeypatch):
    """What figures of a run are drawn from."""
    seen, original = [], run_figures.plot_run

    def plot_run(*values, **named):
        seen.append((*values, named))
        return original(*values, **named)

    monkeypatch.setattr(run_figures, "plot_run", plot_run)
    return seen


def fit(tmp_path, monitor, *, network=None, resumed_from=None, callbacks=(), **options):
    torch.manual_seed(0)
    runner = trainer(tmp_path, callbacks=[monitor, *callbacks], logger=TensorBoardLogger(tmp_path), **options)
    runner.fit(Classifier(network or mlp()), loader(dense()), loader(dense()), ckpt_path=resumed_from)
    runner.logger.experiment.flush()
    return runner


def images(runner):
    events = EventAccumulator(runner.logger.log_dir)
    events.Reload()
    return {name: len(events.Images(name)) for name in events.Tags()["images"]}


def test_it_is_drawn_from_the_history_and_the_judgement(tmp_path, calls):
    monitor = MemorizationMonitor(prefix="mine")
    fit(tmp_path, monitor, max_epochs=3)
    history = monitor.history
    assert [len(epochs) for epochs, *_ in calls] == [2, 3]
    epochs, information, smoothness, judgement, named = calls[-1]
    assert epochs == [0, 1, 2]
    assert information == [values["mine/mi_mean"] for values in history]
    assert smoothness == [values["mine/smoothness"] for values in history]
    assert judgement is monitor.judgement
    assert named == {"memorizing": [False] * 3, "steps": [values["step"] for values in history]}


def test_a_moment_with_the_alarm_on_is_marked(tmp_path, calls):
    monitor = MemorizationMonitor()
    fit(tmp_path, monitor)
    monitor._course.history[0]["infomem/memorizing"] = 1.0
    run_figures.run_figures(monitor._course, monitor.report)["run"]()
    assert calls[-1][-1]["memorizing"] == [True, False]


def test_a_network_without_classes_has_a_figure_too(tmp_path, calls):
    runner = fit(tmp_path, MemorizationMonitor(task="none"))
    assert images(runner) == {**OF_A_MEASUREMENT, "infomem/run": 1, "infomem/epochs_map": 1}
    assert all(math.isnan(value) for value in calls[0][2])


def test_a_figure_that_fails_stops_no_run_and_costs_no_other(tmp_path, monkeypatch, caplog):
    def failing(*values, **named):
        raise RuntimeError("no ink")

    monkeypatch.setattr(run_figures, "plot_run", failing)
    runner = fit(tmp_path, MemorizationMonitor(on_error="raise"))
    assert runner.current_epoch == 2
    assert images(runner) == {**OF_A_MEASUREMENT, "infomem/epochs_map": 1}
    assert "the figure infomem/run could not be drawn: no ink" in caplog.messages


def test_a_validation_outside_of_a_run_adds_none(tmp_path):
    runner = fit(tmp_path, MemorizationMonitor())
    runner.validate(runner.lightning_module, loader(dense()), verbose=False)
    runner.logger.experiment.flush()
    # The step of the validation is that of the last epoch: TensorBoard shows the newer one.
    assert images(runner) == {
        "infomem/layers": 3,
        "infomem/information_map": 3,
        "infomem/run": 1,
        "infomem/epochs_map": 1,
    }


def test_the_map_of_epochs_is_of_the_logged_means(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(run_figures, "plot_epochs_map", lambda courses: seen.append(courses) or Figure())
    monitor = MemorizationMonitor(prefix="mine")
    fit(tmp_path, monitor, max_epochs=3)
    assert [len(courses.moments) for courses in seen] == [2, 3]
    last = seen[-1]
    assert (last.names, last.unit, last.moments) == (["network.0", "network.2"], "epoch", [0, 1, 2])
    expected = [values["mine/network.2/entropy_mean"] for values in monitor.history]
    assert last.entropy[1].tolist() == expected
    expected = [values["mine/network.0/mi_mean"] for values in monitor.history]
    assert last.mutual_information[0].tolist() == expected


def test_the_map_of_measurements_within_an_epoch_is_by_steps(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(run_figures, "plot_epochs_map", lambda courses: seen.append(courses) or Figure())
    monitor = MemorizationMonitor()
    fit(tmp_path, monitor, max_epochs=1, val_check_interval=3)
    assert (seen[-1].unit, seen[-1].moments) == ("step", [3, 6])


def test_nothing_is_drawn_where_no_logger_takes_figures(tmp_path, calls):
    runner = trainer(tmp_path, callbacks=[MemorizationMonitor()])
    runner.fit(Classifier(mlp()), loader(dense()), loader(dense()))
    assert calls == []


def test_the_time_of_drawing_is_logged_next_to_that_of_measuring(tmp_path, monkeypatch):
    monkeypatch.setattr(run_figures, "plot_layers", lambda report: time.sleep(0.2) or Figure())
    monitor = MemorizationMonitor()
    runner = fit(tmp_path, monitor, max_epochs=1)
    assert monitor.history[0]["infomem/drawing_seconds"] >= 0.2
    assert runner.callback_metrics["infomem/drawing_seconds"] >= 0.2
    unseen = MemorizationMonitor()
    trainer(tmp_path, callbacks=[unseen], max_epochs=1).fit(Classifier(mlp()), loader(dense()), loader(dense()))
    assert unseen.history[0]["infomem/drawing_seconds"] < 0.2


def test_a_resumed_run_is_drawn_from_its_begin(tmp_path, calls):
    def keeper():
        return ModelCheckpoint(dirpath=tmp_path / "kept", save_last=True)

    fit(tmp_path, MemorizationMonitor(), callbacks=[keeper()])
    path = tmp_path / "kept" / "last.ckpt"
    runner = fit(tmp_path, MemorizationMonitor(), callbacks=[keeper()], resumed_from=path, max_epochs=3)
    epochs, *_, judgement, _ = calls[-1]
    assert epochs == [0, 1, 2]
    assert images(runner)["infomem/run"] == 1
    assert judgement.abstention.startswith("3 measurements")
