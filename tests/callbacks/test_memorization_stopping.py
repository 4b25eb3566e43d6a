import logging
from dataclasses import dataclass, field

import lightning.pytorch
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import nn
from torch.utils.data import DataLoader, Subset

from lightning_infomem.callbacks import MemorizationMonitor, MemorizationStopping
from lightning_infomem.demo.digits import shuffled_digits
from lightning_infomem.records.judgement import Judgement
from tests.callbacks.test_ways_of_training import SAFELY
from tests.networks import Classifier, UnifiedClassifier, dense, loader, mlp, trainer

MAX_EPOCHS = 40


class Messages(logging.Handler):
    """What was said while it is attached; `caplog` lives for one test only."""

    def __init__(self):
        super().__init__()
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())

    def by(self, name):
        return [message for message in self.said if message.startswith(f"{name}: ")]


class CleanAccuracy(pl.Callback):
    """Of every validation, on true labels."""

    def __init__(self, data):
        self.images, self.labels = data.tensors
        self.seen = []

    def on_validation_end(self, trainer, pl_module):
        if not trainer.sanity_checking:
            with torch.no_grad():
                self.seen.append((pl_module(self.images).argmax(1) == self.labels).double().mean().item())


class Resumed(pl.Callback):
    """What callbacks know when training goes on."""

    def on_train_start(self, trainer, pl_module):
        (stopping,) = [each for each in trainer.callbacks if isinstance(each, MemorizationStopping)]
        (monitor,) = [each for each in trainer.callbacks if isinstance(each, MemorizationMonitor)]
        self.stopped_epoch, self.judgement = stopping.stopped_epoch, monitor.judgement
        self.num_measurements = len(monitor.history)


@dataclass
class Run:
    """A training on digits, and what came of it."""

    level: float  # share of wrong labels
    monitor: MemorizationMonitor = field(default_factory=lambda: MemorizationMonitor(max_samples=200, max_units=8))
    stopping: MemorizationStopping = field(default_factory=MemorizationStopping)
    messages: Messages = field(default_factory=Messages)

    def fit(self, folder, *callbacks, shuffle=False, ckpt_path=None, max_epochs=MAX_EPOCHS, **options):
        task = shuffled_digits(self.level, 0)
        self.accuracy = CleanAccuracy(task.clean)
        torch.manual_seed(0)
        model = Classifier(nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 10)))
        model.configure_optimizers = lambda: torch.optim.Adam(model.parameters(), lr=3e-3)
        self.runner = trainer(
            folder, callbacks=[self.monitor, self.stopping, self.accuracy, *callbacks], max_epochs=max_epochs, **options
        )
        validation = task.clean if shuffle else Subset(task.clean, range(200))
        log = logging.getLogger("lightning_infomem")
        log.addHandler(self.messages)
        try:
            self.runner.fit(
                model,
                DataLoader(task.train, batch_size=25, shuffle=True),
                DataLoader(validation, batch_size=200, shuffle=shuffle),
                ckpt_path=ckpt_path,
                **(SAFELY if ckpt_path else {}),
            )
        finally:
            log.removeHandler(self.messages)
        return self

    @property
    def memorizing(self):
        return [values["infomem/memorizing"] for values in self.monitor.history]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("memorizing")


@pytest.fixture(scope="module")
def memorizing(folder):
    return Run(level=0.7).fit(folder, ModelCheckpoint(folder, filename="{epoch}", save_top_k=-1))


# Live


def test_a_run_on_wrong_labels_is_stopped_when_it_begins_to_memorize(memorizing):
    epochs = len(memorizing.monitor.history)
    assert 4 < epochs < MAX_EPOCHS
    assert memorizing.memorizing == [0.0] * (epochs - 1) + [1.0]
    assert memorizing.runner.current_epoch == epochs
    assert memorizing.stopping.stopped_epoch == epochs - 1


def test_the_epoch_to_keep_is_better_on_true_labels_than_the_last(memorizing):
    accuracy = memorizing.accuracy.seen
    # By 7 to 15 points, of four such runs.
    assert accuracy[memorizing.monitor.judgement.kept] > accuracy[-1]


def test_it_is_said_once_by_each(memorizing, folder):
    kept = memorizing.monitor.judgement.kept
    (warning,) = memorizing.messages.by("MemorizationMonitor")
    assert f"The checkpoint of epoch {kept} of '{folder}' is the one to keep" in warning
    (stop,) = memorizing.messages.by("MemorizationStopping")
    assert "\n" not in stop
    assert f"stops the training in epoch {memorizing.stopping.stopped_epoch}, at step" in stop
    assert f"the checkpoint of epoch {kept}, step {(kept + 1) * 48}, is the one to keep" in stop
    assert "judge_run(folder) finds it" in stop


def test_a_run_on_right_labels_is_not_stopped(tmp_path):
    run = Run(level=0.0).fit(tmp_path, max_epochs=18)  # some more than the run on wrong labels had
    assert run.memorizing == [0.0] * 18
    assert run.stopping.stopped_epoch == 0
    assert run.messages.by("MemorizationStopping") == []
    assert run.monitor.judgement.abstention is None


def test_a_resumed_run_keeps_its_course_and_its_stop_and_is_not_warned_again(memorizing, folder):
    last, resumed = memorizing.stopping.stopped_epoch, Resumed()
    saving = ModelCheckpoint(folder, filename="{epoch}", save_top_k=-1)
    run = Run(level=0.7).fit(folder, resumed, saving, ckpt_path=folder / f"epoch={last}.ckpt")
    assert resumed.stopped_epoch == last
    assert resumed.num_measurements == last + 1
    assert resumed.judgement.is_memorizing
    assert resumed.judgement.kept == memorizing.monitor.judgement.kept
    assert resumed.judgement.agreement == pytest.approx(memorizing.monitor.judgement.agreement, nan_ok=True)
    assert run.monitor.history[: last + 1] == memorizing.monitor.history
    assert len(run.monitor.judgement.agreement) == len(run.monitor.history) > last + 1
    assert not any("stores single examples" in message for message in run.messages.by("MemorizationMonitor"))


def test_a_checkpoint_that_is_only_validated_leaves_the_stop_alone(memorizing, folder):
    before = memorizing.stopping.stopped_epoch
    task = shuffled_digits(0.7, 0)
    memorizing.runner.validate(
        memorizing.runner.lightning_module,
        DataLoader(task.clean, batch_size=600),
        ckpt_path=folder / "epoch=0.ckpt",
        verbose=False,
        **SAFELY,
    )
    assert memorizing.stopping.stopped_epoch == before > 0


def test_shuffled_validation_is_not_judged_and_never_stopped(tmp_path, memorizing):
    epochs = len(memorizing.monitor.history) + 2
    run = Run(level=0.7)
    with pytest.warns(UserWarning, match="shuffling enabled"):
        run.fit(tmp_path, shuffle=True, max_epochs=epochs)
    assert len(run.monitor.history) == epochs
    assert "validate the same inputs in the same order" in run.monitor.judgement.abstention
    assert run.memorizing == [0.0] * epochs
    assert run.stopping.stopped_epoch == 0


def test_it_stops_within_an_epoch_and_between_rare_measurements(tmp_path):
    run = Run(level=0.7, monitor=MemorizationMonitor(max_samples=200, max_units=8, every_n_validations=2))
    run.fit(tmp_path, val_check_interval=12)  # a quarter of an epoch
    steps = [int(values["step"]) for values in run.monitor.history]
    assert steps == list(range(12, 12 + 24 * len(steps), 24))
    assert run.memorizing[-1] == 1
    assert run.runner.global_step == steps[-1] < 48 * MAX_EPOCHS
    (stop,) = run.messages.by("MemorizationStopping")
    assert f"at step {steps[-1]};" in stop


# By a monitor with the alarm at a given measurement


class AlarmAt(MemorizationMonitor):
    """Finds from its nth measurement on that the run memorizes, and keeps the first."""

    def __init__(self, nth, **options):
        super().__init__(**options)
        self.nth = nth

    @property
    def judgement(self):
        count = len(self.history)
        return Judgement(count >= self.nth, 0, agreement=(1.0,) * max(count, 1))


def fit(tmp_path, *callbacks, **options):
    runner = trainer(tmp_path, callbacks=callbacks, **{"max_epochs": 6, **options})
    runner.fit(Classifier(mlp()), loader(dense()), loader(dense()))
    return runner


@pytest.mark.parametrize(("package", "kind"), [(pl, Classifier), (lightning.pytorch, UnifiedClassifier)])
def test_it_works_in_the_trainer_of_either_package(tmp_path, package, kind):
    stopping = MemorizationStopping()
    runner = package.Trainer(
        callbacks=[stopping, AlarmAt(3)],  # in any order
        max_epochs=6,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
        default_root_dir=tmp_path,
    )
    with pytest.warns(UserWarning, match=r"this Trainer's has save_top_k=1: that one may be gone; use Model") as caught:
        runner.fit(kind(mlp()), loader(dense()), loader(dense()))
    assert sum("MemorizationStopping" in str(warning.message) for warning in caught) == 1
    assert runner.current_epoch == 3
    assert stopping.stopped_epoch == 2


def test_the_sanity_check_stops_nothing(tmp_path):
    runner = fit(tmp_path, AlarmAt(0), MemorizationStopping(), num_sanity_val_steps=2)
    assert runner.current_epoch == 1


def test_validation_outside_of_training_stops_nothing(tmp_path, caplog):
    runner = trainer(tmp_path, callbacks=[AlarmAt(0), MemorizationStopping()])
    runner.validate(Classifier(mlp()), loader(dense()), verbose=False)
    assert not runner.should_stop
    assert "MemorizationStopping" not in caplog.text


def test_the_least_number_of_epochs_is_kept_and_the_stop_said_once(tmp_path, caplog):
    stopping = MemorizationStopping()
    runner = fit(tmp_path, AlarmAt(2), stopping, min_epochs=4)
    assert runner.current_epoch == 4
    assert stopping.stopped_epoch == 1
    assert caplog.text.count("MemorizationStopping: stops the training in epoch 1") == 1
    assert caplog.text.count("MemorizationStopping") == 1


def test_only_the_first_of_many_processes_says_it(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(pl.Trainer, "is_global_zero", property(lambda self: False))
    runner = fit(tmp_path, AlarmAt(2), MemorizationStopping())
    assert runner.current_epoch == 2
    assert "MemorizationStopping" not in caplog.text


def test_a_new_run_with_the_same_callback_begins_anew(tmp_path):
    stopping = MemorizationStopping()
    fit(tmp_path, AlarmAt(2), stopping)
    assert stopping.stopped_epoch == 1
    fit(tmp_path, AlarmAt(9), stopping)
    assert stopping.stopped_epoch == 0


@pytest.mark.parametrize("options", [{"fast_dev_run": True}, {"barebones": True, "logger": None}])
def test_short_runs_do_no_harm(options):
    class Silent(Classifier):
        def validation_step(self, batch, batch_idx):
            self(batch[0])

    callbacks = [MemorizationMonitor(), MemorizationStopping()]
    runner = pl.Trainer(callbacks=callbacks, accelerator="cpu", max_epochs=1, **options)
    runner.fit(Silent(mlp()), loader(dense()), loader(dense()))
    assert runner.state.finished


# Configuration


def test_a_monitor_is_required(tmp_path):
    with pytest.raises(
        MisconfigurationException,
        match=r"^MemorizationStopping: one MemorizationMonitor is required .* got none; add one to its callbacks",
    ):
        fit(tmp_path, MemorizationStopping())


def two_monitors():
    return [AlarmAt(2, prefix="infomem"), AlarmAt(4, prefix="infomem-late")]


def test_of_several_monitors_one_must_be_named(tmp_path):
    with pytest.raises(
        MisconfigurationException, match=r"got those of the prefixes 'infomem', 'infomem-late'; say which by prefix="
    ):
        fit(tmp_path, *two_monitors(), MemorizationStopping())


def test_a_prefix_without_a_monitor_is_refused(tmp_path):
    with pytest.raises(MisconfigurationException, match=r"one of prefix 'infomen' is required .* prefixes 'infomem', "):
        fit(tmp_path, *two_monitors(), MemorizationStopping("infomen"))


@pytest.mark.parametrize(("prefix", "epochs"), [("infomem", 2), ("infomem-late", 4)])
def test_the_monitor_of_the_prefix_is_heard(tmp_path, prefix, epochs):
    assert fit(tmp_path, *two_monitors(), MemorizationStopping(prefix)).current_epoch == epochs


def test_validation_alone_needs_no_monitor(tmp_path):
    runner = trainer(tmp_path, callbacks=[MemorizationStopping()])
    runner.validate(Classifier(mlp()), loader(dense()), verbose=False)
    assert runner.state.finished


@pytest.mark.parametrize("several", [False, True])
def test_who_keeps_all_checkpoints_is_not_warned(tmp_path, several):
    callbacks = [ModelCheckpoint(tmp_path / "all", save_top_k=-1)]
    if several:
        callbacks.append(ModelCheckpoint(tmp_path / "best", monitor="val_loss"))
    fit(tmp_path, AlarmAt(9), MemorizationStopping(), *callbacks, max_epochs=1)  # a warning would be an error
