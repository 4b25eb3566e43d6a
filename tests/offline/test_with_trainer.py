"""Forward passes by the user's Trainer: the same numbers, and no callback or logger of the user's takes part."""

from __future__ import annotations

import gc
import weakref
from typing import ClassVar

import lightning.pytorch
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem import MemorizationMonitor
from lightning_infomem._lightning import MisconfigurationException
from lightning_infomem.checkpoints.reading import UnusableCheckpoint
from lightning_infomem.measurement import measure
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.selection.rank_checkpoints import rank_checkpoints
from tests.checkpoints.checkpoint_files import save_checkpoint
from tests.networks import Classifier, UnifiedClassifier, dense, loader, mlp, trainer

DATA = dense(101)
BATCHES = list(DATA.split(16))


def _network(seed=0):
    torch.manual_seed(seed)
    return mlp()


def _save(path, network):
    return save_checkpoint(path, None, state_dict=network.state_dict())


def _same(report, expected):
    assert [layer.name for layer in report.layers] == [layer.name for layer in expected.layers]
    assert report.probe == expected.probe
    ours, theirs = report.predictions.to_state(), expected.predictions.to_state()
    for name in ("classes", "log_odds", "inputs", "places"):
        assert torch.equal(ours[name], theirs[name])
    assert ours["loader"] is theirs["loader"] is None
    assert (report.task, report.task_reason) == (expected.task, expected.task_reason)
    assert dict(report.scores) == pytest.approx(dict(expected.scores))
    for ours, theirs in zip(report.layers, expected.layers, strict=True):
        assert ours.num_samples == theirs.num_samples
        assert torch.equal(ours.mutual_information, theirs.mutual_information)
        assert torch.equal(ours.entropy, theirs.entropy)


@pytest.mark.parametrize("kind", [pl.Trainer, lightning.pytorch.Trainer])
@pytest.mark.parametrize("data", [BATCHES, tuple(BATCHES), DataLoader(TensorDataset(DATA), batch_size=16)])
def test_the_numbers_are_those_without_a_trainer(tmp_path, kind, data):
    path = _save(tmp_path / "a.ckpt", _network(1))
    runner = kind(accelerator="cpu", devices=1, logger=False, enable_checkpointing=False, enable_progress_bar=False)
    report = OfflineMeasurement(_network(), data, trainer=runner, cache=tmp_path / "one")(path)
    _same(report, OfflineMeasurement(_network(), data, cache=tmp_path / "other")(path))
    _same(report, measure(_network(1), data))
    assert report.task == "assumed"
    assert not report.layers[0].entropy.is_inference()
    assert not report.predictions.classes.is_inference()


def test_a_ranking_by_a_trainer_is_that_without_one(tmp_path):
    for seed in range(3):
        _save(tmp_path / "runs" / f"{seed}.ckpt", _network(seed))
    given = {"memorization": "heuristic", "model": _network(), "data": BATCHES}
    by_trainer = rank_checkpoints(tmp_path / "runs", trainer=trainer(tmp_path), cache=tmp_path / "one", **given)
    assert by_trainer.to_json() == rank_checkpoints(tmp_path / "runs", cache=tmp_path / "other", **given).to_json()
    assert len(list((tmp_path / "one").glob("*.report"))) == 3


def test_a_forward_of_ones_own_layers_and_settings_count(tmp_path):
    path = _save(tmp_path / "a.ckpt", _network(1))
    batches = [{"x": batch, "label": torch.zeros(len(batch))} for batch in BATCHES]
    settings = {"layers": ["2"], "forward": lambda model, batch: model(batch["x"]), "max_samples": 32}
    report = OfflineMeasurement(_network(), batches, trainer=trainer(tmp_path), **settings)(path)
    assert report["2"].num_samples == 32
    _same(report, measure(_network(1), batches, **settings))


class Loud(Classifier):
    """A LightningModule that leaves a trace wherever it is called."""

    called: tuple[str, ...] = ()

    def forward(self, inputs):
        self.log("loud", 1.0)
        self.log_dict({"loudest": 2.0})
        return super().forward(inputs)

    def validation_step(self, batch, batch_idx):
        Loud.called += ("step",)

    def on_validation_epoch_end(self):
        Loud.called += ("end",)

    def setup(self, stage):
        Loud.called += ("setup",)

    def configure_callbacks(self):
        Loud.called += ("callbacks",)
        return []


def test_hooks_and_logging_of_a_lightning_module_do_not_run(tmp_path):
    given = Loud(_network(0))
    path = _save(tmp_path / "a.ckpt", Loud(_network(1)))
    runner = trainer(tmp_path)
    report = OfflineMeasurement(given, BATCHES, trainer=runner)(path)
    assert Loud.called == ()
    assert "loud" not in runner.callback_metrics
    assert [layer.name for layer in report.layers] == ["network.0", "network.2"]
    expected = measure(_network(1), BATCHES)
    assert torch.equal(report["network.2"].entropy, expected["2"].entropy)
    assert "log" not in vars(given)


def test_layers_are_called_as_in_the_network_of_the_user(tmp_path):
    """The wrapper around it has an attribute `network`, too."""
    network = nn.ModuleDict({"network": _network(1)})
    path = _save(tmp_path / "a.ckpt", network)
    report = OfflineMeasurement(
        network,
        BATCHES,
        layers=["network.0"],
        trainer=trainer(tmp_path),
        forward=lambda model, batch: model["network"](batch),
    )(path)
    assert [layer.name for layer in report.layers] == ["network.0"]


class Refusing(pl.Callback):
    """A callback that works with one module only."""

    def on_validation_start(self, trainer, pl_module):
        raise AssertionError("a callback of the user's ran")

    setup = teardown = on_validation_batch_start = on_exception = on_validation_start


@pytest.mark.filterwarnings("ignore:CSVLogger")
def test_callbacks_loggers_and_limits_of_the_trainer_take_no_part_and_come_back(tmp_path):
    callbacks = [EarlyStopping("val_loss"), ModelCheckpoint(tmp_path, monitor="val_loss"), MemorizationMonitor()]
    runner = trainer(tmp_path, callbacks=callbacks, limit_val_batches=1, logger=CSVLogger(tmp_path), max_epochs=1)
    model, batches = Classifier(_network(1)), loader(dense(40))
    runner.fit(model, batches, batches)
    runner.callbacks.append(Refusing())
    listed, logged = list(runner.callbacks), list((tmp_path / "lightning_logs").rglob("*"))
    path = _save(tmp_path / "other" / "a.ckpt", Classifier(_network(2)))

    report = OfflineMeasurement(model, BATCHES, trainer=runner)(path)
    assert report["network.0"].num_samples == 101  # the limit is one for trainings
    assert runner.callbacks == listed
    assert runner.loggers == [runner.logger]
    assert isinstance(runner.logger, CSVLogger)
    assert list((tmp_path / "lightning_logs").rglob("*")) == logged
    assert runner.limit_val_batches == 1
    runner.callbacks.pop()
    runner.fit_loop.max_epochs = 2
    runner.fit(model, batches, batches)
    assert runner.current_epoch == 2


@pytest.mark.parametrize("limits", [{"fast_dev_run": True}, {"overfit_batches": 1}, {"limit_val_batches": 0}])
def test_no_limit_of_the_trainer_cuts_the_data(tmp_path, limits):
    path = _save(tmp_path / "a.ckpt", _network(1))
    report = OfflineMeasurement(_network(), BATCHES, trainer=trainer(tmp_path, **limits))(path)
    _same(report, measure(_network(1), BATCHES))


class Data(pl.LightningDataModule):
    """A data module that counts how often it is set up."""

    set_up = 0

    def setup(self, stage):
        self.set_up += 1

    def train_dataloader(self):
        return loader(dense(40))

    val_dataloader = train_dataloader


def test_a_data_module_of_an_earlier_training_takes_no_part(tmp_path):
    runner, data = trainer(tmp_path, max_epochs=1), Data()
    runner.fit(Classifier(_network(1)), datamodule=data)
    report = OfflineMeasurement(_network(), BATCHES, trainer=runner)(_save(tmp_path / "a.ckpt", _network(1)))
    _same(report, measure(_network(1), BATCHES))
    assert data.set_up == 1


@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork", "ddp_notebook"])
def test_processes_that_cannot_give_the_report_back_are_refused_before_anything_runs(tmp_path, strategy):
    runner = trainer(tmp_path, strategy=strategy, devices=2)
    with pytest.raises(MisconfigurationException, match=r"processes that end with their task.*give strategy='ddp'"):
        OfflineMeasurement(_network(), BATCHES, trainer=runner)


@pytest.mark.parametrize("thing", [3, pl.Trainer, nn.Linear(2, 2)])
def test_what_is_no_trainer_is_refused(thing):
    with pytest.raises(TypeError, match="trainer: Lightning's Trainer is required, got"):
        OfflineMeasurement(_network(), BATCHES, trainer=thing)


def test_a_network_that_fails_is_unusable_and_the_next_one_is_measured(tmp_path):
    runner = trainer(tmp_path)
    diverged = _network()
    nn.init.constant_(diverged[0].weight, torch.nan)
    measurement = OfflineMeasurement(_network(), BATCHES, trainer=runner)
    with pytest.raises(UnusableCheckpoint, match="cannot be measured"):
        measurement(_save(tmp_path / "a.ckpt", diverged))
    _same(measurement(_save(tmp_path / "b.ckpt", _network(1))), measure(_network(1), BATCHES))
    with pytest.raises(UnusableCheckpoint, match=r"cannot be measured \(mat1 and mat2"):
        OfflineMeasurement(_network(), [torch.ones(8, 5)], trainer=runner)(tmp_path / "b.ckpt")
    with pytest.raises(UnusableCheckpoint, match="no activation was captured"):
        OfflineMeasurement(_network(), [], trainer=runner)(tmp_path / "b.ckpt")
    with pytest.raises(UnusableCheckpoint, match=r"layers: .*nowhere"):
        OfflineMeasurement(_network(), BATCHES, trainer=runner, layers="nowhere")(tmp_path / "b.ckpt")
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        OfflineMeasurement(_network(), BATCHES, trainer=runner, forward=lambda model: None)(tmp_path / "b.ckpt")


def test_the_precision_of_the_trainer_counts_and_has_a_cache_of_its_own(tmp_path):
    path = _save(tmp_path / "a.ckpt", _network(1))
    exact = OfflineMeasurement(_network(), BATCHES)(path)
    rounded = OfflineMeasurement(_network(), BATCHES, trainer=trainer(tmp_path, precision="bf16-true"))(path)
    assert rounded["0"].tie_fraction > exact["0"].tie_fraction
    assert len(list((tmp_path / ".infomem").glob("*.report"))) == 2
    given = _network()
    OfflineMeasurement(given, BATCHES, trainer=trainer(tmp_path, precision="bf16-true")).control()
    assert given[0].weight.dtype == torch.float32


def test_the_untrained_control_runs_by_the_trainer_too(tmp_path):
    report = OfflineMeasurement(_network(), BATCHES, trainer=trainer(tmp_path)).control(2)
    _same(report, OfflineMeasurement(_network(5), BATCHES).control(2))


def test_a_module_of_the_other_package_is_measured(tmp_path):
    network = UnifiedClassifier(_network(1))
    report = OfflineMeasurement(network, BATCHES, trainer=trainer(tmp_path))(_save(tmp_path / "a.ckpt", network))
    assert torch.equal(report["network.0"].entropy, measure(_network(1), BATCHES)["0"].entropy)


def test_a_compiled_network_is_measured(tmp_path):
    network = _network(0)
    network[0] = torch.compile(network[0], backend="eager")
    network(DATA[:2])
    report = OfflineMeasurement(network, BATCHES, trainer=trainer(tmp_path))(_save(tmp_path / "a.ckpt", _network(1)))
    assert torch.equal(report["0"].entropy, measure(_network(1), BATCHES)["0"].entropy)


class Counted(nn.Sequential):
    """Knows how many of its kind are alive."""

    alive: ClassVar[weakref.WeakSet[nn.Module]] = weakref.WeakSet()
    most = 0

    def forward(self, inputs):
        Counted.alive.add(self)
        Counted.most = max(Counted.most, len(Counted.alive))
        return super().forward(inputs)


@pytest.mark.parametrize("by_trainer", [False, True])
def test_memory_stays_flat_over_fifty_checkpoints(tmp_path, by_trainer):
    Counted.alive, Counted.most = weakref.WeakSet(), 0
    given = Counted(*_network())
    paths = [_save(tmp_path / f"{number}.ckpt", _network(number)) for number in range(50)]
    measurement = OfflineMeasurement(given, BATCHES[:2], trainer=trainer(tmp_path) if by_trainer else None)
    gc.collect()
    gc.disable()  # nothing may wait for it
    try:
        for path in paths:
            measurement(path)
    finally:
        gc.enable()
    gc.collect()
    assert Counted.most <= 2
    assert len(Counted.alive) == 0
