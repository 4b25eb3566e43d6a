"""The figures of the run so far, from the callback to the loggers."""

import math
import time

import pytest
import torch
from matplotlib.figure import Figure
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lightning_infomem._lightning import keyboard_interrupts
from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.reporting import run_figures
from lightning_infomem.reporting.figure_budget import FigureBudget
from tests.networks import Classifier, dense, loader, mlp, trainer

OF_A_MEASUREMENT = {"infomem/layers": 1, "infomem/information_map": 1}
OF_A_RUN = {**OF_A_MEASUREMENT, "infomem/run": 1, "infomem/epochs_map": 1}


@pytest.fixture
def calls(monkeypatch):
    """What figures of a run are drawn from."""
    seen, original = [], run_figures.plot_run

    def plot_run(*values, **named):
        seen.append((*values, named))
        return original(*values, **named)

    monkeypatch.setattr(run_figures, "plot_run", plot_run)
    return seen


@pytest.fixture
def with_time(monkeypatch):
    """There is time for the figures of every measurement."""
    monkeypatch.setattr(FigureBudget, "has_time", lambda self, measuring: True)


def fit(tmp_path, monitor, *, network=None, resumed_from=None, callbacks=(), **options):
    torch.manual_seed(0)
    runner = trainer(tmp_path, callbacks=[monitor, *callbacks], logger=TensorBoardLogger(tmp_path), **options)
    runner.fit(Classifier(network or mlp()), loader(dense()), loader(dense()), ckpt_path=resumed_from)
    runner.logger.experiment.flush()
    return runner


def events_of(runner):
    events = EventAccumulator(runner.logger.log_dir, size_guidance={"histograms": 0})
    return events.Reload()


def images(runner):
    events = events_of(runner)
    return {name: len(events.Images(name)) for name in events.Tags()["images"]}


def test_without_time_the_last_measurement_alone_is_drawn_when_the_fit_ends(tmp_path, calls):
    monitor = MemorizationMonitor()
    events = events_of(fit(tmp_path, monitor, max_epochs=3))
    scalar_steps = [event.step for event in events.Scalars("infomem/mi_mean")]
    assert len(set(scalar_steps)) == 3
    for name in OF_A_RUN:
        assert [event.step for event in events.Images(name)] == scalar_steps[-1:]
    assert [event.step for event in events.Histograms("infomem/network.0/mi")] == scalar_steps
    assert [epochs for epochs, *_ in calls] == [[0, 1, 2]]
    assert all(values["infomem/drawing_seconds"] < 0.1 for values in monitor.history)


@pytest.mark.parametrize("fault", [RuntimeError("of the user's"), KeyboardInterrupt()])
def test_the_last_measurement_of_a_run_that_breaks_off_is_drawn(tmp_path, calls, fault):
    class BreaksOff(Callback):
        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch == 2:
                raise fault

    runner = trainer(tmp_path, callbacks=[MemorizationMonitor(), BreaksOff()], logger=TensorBoardLogger(tmp_path))
    runner.fit_loop.max_epochs = 4
    with pytest.raises((RuntimeError, SystemExit, KeyboardInterrupt)), keyboard_interrupts():
        runner.fit(Classifier(mlp()), loader(dense()), loader(dense()))
    assert images(runner) == OF_A_RUN
    assert [epochs for epochs, *_ in calls] == [[0, 1]]


def test_with_time_every_measurement_is_drawn_and_none_twice(tmp_path, calls, with_time):
    runner = fit(tmp_path, MemorizationMonitor(), max_epochs=3)
    assert images(runner) == {
        "infomem/layers": 3,
        "infomem/information_map": 3,
        "infomem/run": 2,
        "infomem/epochs_map": 2,
    }
    assert [len(epochs) for epochs, *_ in calls] == [2, 3]


@pytest.mark.parametrize("is_time", [True, False])
def test_without_figures_histograms_are_left(tmp_path, calls, monkeypatch, is_time):
    monkeypatch.setattr(FigureBudget, "has_time", lambda self, measuring: is_time)
    events = events_of(fit(tmp_path, MemorizationMonitor(figures=False)))
    assert events.Tags()["images"] == calls == []
    assert len(events.Tags()["histograms"]) == 4


def test_without_layers_the_values_over_all_layers_and_the_figures_are_left(tmp_path, calls):
    monitor = MemorizationMonitor(per_layer=False)
    runner = fit(tmp_path, monitor)
    events = events_of(runner)
    assert events.Tags()["histograms"] == []
    assert images(runner) == OF_A_RUN
    ours = [name for name in events.Tags()["scalars"] if "infomem" in name]
    assert {"infomem/mi_mean", "infomem/age", "infomem/memorizing"} <= set(ours)
    assert not [name for name in ours if "network" in name]
    assert {name for name in runner.callback_metrics if name.startswith("infomem/")} == set(ours)
    assert "infomem/network.0/mi_mean" in monitor.history[0]  # the checkpoint and the run file hold them
    assert calls[-1][1] == [values["infomem/mi_mean"] for values in monitor.history]


def test_it_is_drawn_from_the_history_and_the_judgement(tmp_path, calls):
    monitor = MemorizationMonitor(prefix="mine")
    fit(tmp_path, monitor, max_epochs=3)
    history = monitor.history
    assert len(calls) == 1
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
    assert images(runner) == OF_A_RUN
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
    assert images(runner) == {**OF_A_RUN, "infomem/layers": 2, "infomem/information_map": 2}


def test_the_map_of_epochs_is_of_the_logged_means(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(run_figures, "plot_epochs_map", lambda courses: seen.append(courses) or Figure())
    monitor = MemorizationMonitor(prefix="mine")
    fit(tmp_path, monitor, max_epochs=3)
    [last] = seen
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


def test_the_time_of_drawing_is_logged_next_to_that_of_measuring(tmp_path, monkeypatch, with_time):
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
