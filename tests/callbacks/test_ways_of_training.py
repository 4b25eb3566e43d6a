"""Compiled, checkpointed, interrupted, configured from a file, measured between validations: what people really do."""

from __future__ import annotations

import dataclasses
import inspect
import os
import signal
import subprocess
import sys
from pathlib import Path

import lightning.pytorch
import lightning.pytorch.cli
import pytest
import pytorch_lightning as pl
import pytorch_lightning.cli
import torch
import yaml
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.measurement import measure
from lightning_infomem.records.report import COURSE_KEY
from lightning_infomem.runs.recorded_runs import recorded_runs
from lightning_infomem.runs.run_course import RunCourse
from lightning_infomem.runs.run_file import RUN_FILE, read_run_file
from lightning_infomem.settings import MeasurementSettings
from tests.networks import Classifier, UnifiedClassifier, dense, loader, mlp, num_hooks, trainer

# Since Lightning 2.6 it must be asked for.
SAFELY = {"weights_only": True} if "weights_only" in inspect.signature(pl.Trainer.fit).parameters else {}


def fit(tmp_path, monitor, model, **options):
    runner = trainer(tmp_path, callbacks=[monitor], **options)
    runner.fit(model, loader(dense()), loader(dense()))
    return runner


def still(model):
    """A model that does not learn: its report can be compared with one measured before."""
    model.configure_optimizers = lambda: torch.optim.SGD(model.parameters(), lr=0.0)
    return model


# Compiled


@pytest.mark.parametrize("what", ["part", "part in place", "whole"])
def test_a_compiled_network_is_captured_like_one_that_is_not(tmp_path, what):
    model = still(Classifier(mlp()))
    expected = measure(model, loader(dense()), ["network.0", "network.2"])
    monitor = MemorizationMonitor(layers=["network.0", "network.2"])
    given = model
    if what == "part":
        model.network = torch.compile(model.network, backend="eager")
    elif what == "part in place":
        model.network.compile(backend="eager")
    else:
        given = torch.compile(model, backend="eager")
    given(dense())  # compiled before any hook is there
    fit(tmp_path, monitor, given, max_epochs=1)
    for ours, theirs in zip(monitor.report.layers, expected.layers, strict=True):
        assert ours.name == theirs.name
        torch.testing.assert_close(ours.mutual_information, theirs.mutual_information, rtol=0, atol=1e-6)
    assert num_hooks(model) == 0


def test_what_was_compiled_stays_so_outside_of_the_measured_validation(tmp_path):
    calls = []

    def backend(graph, inputs):
        calls.append(graph)
        return graph.forward

    torch._dynamo.reset()
    model = Classifier(mlp())
    model.network = torch.compile(model.network, backend=backend)
    fit(tmp_path, MemorizationMonitor(layers=["network.0"]), model)
    compiled = len(calls)
    model.train()
    model(dense(16))  # as in training
    assert compiled >= 1
    assert len(calls) == compiled


# Checkpointed activations, sharded parameters


def test_checkpointed_activations_are_captured_under_their_own_names(tmp_path):
    model = still(Classifier(mlp()))
    expected = measure(model, loader(dense()), ["network.2"])
    model.network[2] = checkpoint_wrapper(model.network[2])
    monitor = MemorizationMonitor(layers=["network.2"])
    fit(tmp_path, monitor, model, max_epochs=1)
    assert [layer.name for layer in monitor.report.layers] == ["network.2"]
    torch.testing.assert_close(monitor.report.layers[0].entropy, expected.layers[0].entropy)


def test_fully_sharded_layers_are_captured(tmp_path):
    """Lightning's own FSDP strategies want a GPU: here torch's `fully_shard` in a process group of one, on the CPU."""
    from torch.distributed import destroy_process_group, init_process_group
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    model = mlp()
    expected = measure(model, [dense()], ["0", "2"])
    init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        for part in (model[0], model[2]):
            fully_shard(part, mesh=mesh)
        fully_shard(model, mesh=mesh)
        report = measure(model, [dense()], ["0", "2"])
    finally:
        destroy_process_group()
    for ours, theirs in zip(report.layers, expected.layers, strict=True):
        torch.testing.assert_close(ours.mutual_information, theirs.mutual_information, rtol=0, atol=1e-6)


# Stages, precision, accumulation


@pytest.mark.parametrize("inference_mode", [True, False])
@pytest.mark.parametrize("stage", ["validate", "test"])
def test_validate_and_test_are_watched(tmp_path, stage, inference_mode):
    model = Classifier(mlp())
    model.test_step = model.validation_step
    monitor = MemorizationMonitor(layers=["network.2"])
    runner = trainer(tmp_path, callbacks=[monitor], inference_mode=inference_mode)
    (metrics,) = getattr(runner, stage)(model, loader(dense()), verbose=False)
    expected = measure(model, loader(dense()), ["network.2"]).layers[0]
    assert metrics["infomem/mi_mean"] == pytest.approx(expected.pairs().mean().item(), abs=1e-6)
    assert monitor.history == []
    assert num_hooks(model) == 0


@pytest.mark.parametrize("precision", ["bf16-true", "bf16-mixed", "16-true"])
def test_every_precision_is_measured_on_the_users_own_loader_too(tmp_path, precision):
    if precision == "16-true":
        pytest.importorskip("torch", "2.2")
    monitor = MemorizationMonitor(layers=["network.0"], dataloader=[dense(60, seed=1).bfloat16().float()])
    model = Classifier(mlp())
    if precision != "bf16-mixed":
        kind = torch.bfloat16 if precision == "bf16-true" else torch.float16
        monitor.dataloader = [dense(60, seed=1).to(kind)]
        model.training_step = lambda batch, batch_idx: model(batch[0].to(kind)).float().square().mean()
        model.validation_step = lambda batch, batch_idx: None
    fit(tmp_path, monitor, model, precision=precision, max_epochs=1)
    (layer,) = monitor.report.layers
    assert layer.num_samples == 60
    assert torch.isfinite(layer.pairs()).all()


# The user's own loader, and between validations


def test_the_users_own_loader_is_measured_instead_of_the_validation(tmp_path):
    model = still(Classifier(mlp()))
    probe = dense(50, seed=9)
    expected = measure(model, probe.split(20), ["network.0"])
    monitor = MemorizationMonitor(layers=["network.0"], dataloader=loader(probe, batch_size=20))
    fit(tmp_path, monitor, model)
    assert monitor.report.layers[0].num_samples == 50
    torch.testing.assert_close(monitor.report.layers[0].mutual_information, expected.layers[0].mutual_information)


def test_long_epochs_are_measured_between_validations(tmp_path):
    class Seen(pl.Callback):
        def __init__(self):
            self.steps = []

        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if "infomem/mi_mean" in trainer.callback_metrics:
                self.steps.append(trainer.global_step)

    seen = Seen()
    monitor = MemorizationMonitor(layers=["network.0"], dataloader=[dense(50)], every_n_train_steps=3)
    runner = trainer(tmp_path, callbacks=[monitor, seen], max_epochs=1, limit_val_batches=0, accumulate_grad_batches=2)
    runner.fit(Classifier(mlp()), loader(dense(200), batch_size=10), loader(dense()))  # 20 batches, 10 steps
    assert [values["step"] for values in monitor.history] == [3, 6, 9]
    assert min(seen.steps) == 3


def test_measuring_the_users_own_loader_leaves_training_bitwise_the_same(tmp_path):
    def weights(*callbacks):
        torch.manual_seed(0)
        model = Classifier(nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Dropout(0.5), nn.Linear(10, 3)))
        batches = torch.utils.data.DataLoader(loader(dense()).dataset, batch_size=16, shuffle=True)
        trainer(tmp_path, callbacks=callbacks).fit(model, batches, loader(dense()))
        return model.state_dict()

    shuffled = torch.utils.data.DataLoader(loader(dense(50)).dataset, batch_size=16, shuffle=True)
    with_probe = weights(MemorizationMonitor(layers=["network.0"], dataloader=shuffled, every_n_train_steps=2))
    for name, value in weights().items():
        assert torch.equal(with_probe[name], value)


def test_measuring_between_validations_needs_a_loader():
    with pytest.raises(
        ValueError, match=r"^dataloader: batches to measure are required for every_n_train_steps=5, got"
    ):
        MemorizationMonitor(every_n_train_steps=5)


# Interrupted


def test_no_hook_survives_a_keyboard_interrupt(tmp_path):
    class Impatient(Classifier):
        def validation_step(self, batch, batch_idx):
            if not self.trainer.sanity_checking and batch_idx == 1:
                raise KeyboardInterrupt

    model = Impatient(mlp())
    with pytest.raises(SystemExit):
        fit(tmp_path, MemorizationMonitor(layers=["network.0"]), model)
    assert num_hooks(model) == 0


KILLED = """
import os, signal, sys
import torch
import yaml
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from lightning_infomem.callbacks import MemorizationMonitor
from tests.networks import Classifier, dense, loader, mlp, trainer

class Killed(Classifier):
    def validation_step(self, batch, batch_idx):
        if not self.trainer.sanity_checking and self.current_epoch == 2 and batch_idx == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        super().validation_step(batch, batch_idx)

folder = sys.argv[1]
torch.set_num_threads(1)
saving = ModelCheckpoint(folder, filename="{epoch}", save_top_k=-1)
logger = TensorBoardLogger(folder, name="logs")
runner = trainer(folder, callbacks=[MemorizationMonitor(layers=["network.0"]), saving], max_epochs=5, logger=logger)
runner.fit(Killed(mlp()), loader(dense()), loader(dense()))
"""


@pytest.mark.skipif(os.name != "posix", reason="only there is a process killed in this way")
def test_a_run_killed_in_the_middle_of_a_validation_resumes_with_its_history(tmp_path):
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    last = sorted(tmp_path.glob("epoch=*.ckpt"))[-1]
    assert last.name == "epoch=1.ckpt"
    before = torch.load(last, weights_only=True)["callbacks"]["MemorizationMonitor[infomem]"]
    before = RunCourse.from_state(before[COURSE_KEY]).history
    assert [values["epoch"] for values in before] == [0, 1]
    measured, fault = read_run_file(tmp_path / "logs" / "version_0" / RUN_FILE)
    assert [{**each.values, "epoch": each.epoch, "step": each.step} for each in measured] == before
    assert fault is None
    monitor = MemorizationMonitor(layers=["network.0"])
    logger = TensorBoardLogger(tmp_path, name="logs")
    runner = trainer(tmp_path, callbacks=[monitor, ModelCheckpoint(tmp_path)], max_epochs=4, logger=logger)
    runner.fit(Classifier(mlp()), loader(dense()), loader(dense()), ckpt_path=last, **SAFELY)
    assert [values["epoch"] for values in monitor.history] == [0, 1, 2, 3]
    assert monitor.history[:2] == before
    (run,), _ = recorded_runs([tmp_path], [])  # of two folders, the first of which it does not write to any more
    assert run.course.epochs == [0, 1, 2, 3]
    assert run.place == tmp_path / "logs" / "version_1"


def test_a_run_resumed_with_other_settings_keeps_its_history(tmp_path):
    saving = ModelCheckpoint(tmp_path, save_last=True)
    first = trainer(tmp_path, callbacks=[MemorizationMonitor(layers=["network.0"]), saving])
    first.fit(Classifier(mlp()), loader(dense()), loader(dense()))
    monitor = MemorizationMonitor(layers=["network.2"], neighbors=1, max_samples=50)
    runner = trainer(tmp_path, callbacks=[monitor, ModelCheckpoint(tmp_path)], max_epochs=3)
    runner.fit(Classifier(mlp()), loader(dense()), loader(dense()), ckpt_path=tmp_path / "last.ckpt", **SAFELY)
    assert len(monitor.history) == 3
    assert "infomem/network.2/mi_mean" in monitor.history[-1]


def test_a_checkpoint_of_weights_alone_is_validated_and_leaves_the_monitor_empty(tmp_path):
    saving = ModelCheckpoint(tmp_path, filename="weights", save_weights_only=True)
    model = Classifier(mlp())
    runner = trainer(tmp_path, callbacks=[MemorizationMonitor(layers=["network.0"]), saving], max_epochs=1)
    runner.fit(model, loader(dense()), loader(dense()))
    monitor = MemorizationMonitor(layers=["network.0"])
    tested = trainer(tmp_path, callbacks=[monitor])
    (metrics,) = tested.validate(model, loader(dense()), ckpt_path=tmp_path / "weights.ckpt", verbose=False, **SAFELY)
    assert "infomem/mi_mean" in metrics
    assert monitor.history == []


# From a file


@pytest.mark.parametrize(
    ("package", "kind"),
    [(pl, Classifier), (lightning.pytorch, UnifiedClassifier)],
    ids=["pytorch_lightning", "lightning"],
)
def test_lightning_cli_builds_the_monitor_from_yaml(tmp_path, monkeypatch, package, kind):
    monkeypatch.setattr(sys, "argv", ["train.py", "--config", str(tmp_path / "config.yaml")])
    (tmp_path / "config.yaml").write_text("""
seed_everything: 0
trainer:
  accelerator: cpu
  logger: false
  callbacks:
    - class_path: lightning_infomem.MemorizationMonitor
      init_args:
        layers: ["network.*"]
        max_samples: 512
        value_range: [-3.0, 3.0]
        every_n_validations: 2
        on_error: raise
""")

    class Ready(kind):
        def __init__(self):
            super().__init__(mlp())

    cli = package.cli.LightningCLI(Ready, run=False, save_config_callback=None)
    (monitor,) = [each for each in cli.trainer.callbacks if isinstance(each, MemorizationMonitor)]
    assert monitor.layers == ["network.*"]
    assert monitor.settings.max_samples == 512
    assert monitor.settings.value_range == (-3.0, 3.0)
    assert monitor.every_n_validations == 2
    assert monitor.on_error == "raise"


def test_lightning_cli_lists_every_setting_with_its_default(monkeypatch, capsys):
    options = ["--trainer.callbacks=lightning_infomem.MemorizationMonitor", "--print_config"]
    monkeypatch.setattr(sys, "argv", ["train.py", *options])

    class Empty(pl.LightningModule):
        pass

    with pytest.raises(SystemExit) as ended:
        pytorch_lightning.cli.LightningCLI(Empty, run=False, save_config_callback=None)
    assert ended.value.code == 0
    monitor = yaml.safe_load(capsys.readouterr().out)["trainer"]["callbacks"]
    settings = {field.name: field.default for field in dataclasses.fields(MeasurementSettings)}
    assert len(settings) == 14
    assert monitor["init_args"] == {
        "layers": "auto",
        "dataloader_idx": 0,
        "dataloader": None,
        "every_n_validations": 1,
        "every_n_train_steps": None,
        "training_probe": False,
        "prefix": "infomem",
        "figures": True,
        "per_layer": True,
        "on_error": "warn",
        **settings,
    }
