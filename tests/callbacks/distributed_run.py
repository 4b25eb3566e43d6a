"""Training runs of several processes, for test_distributed: ``python -m tests.callbacks.distributed_run RUNS``.

``RUNS`` is a JSON list of keyword arguments of `run`. Each rank writes what it saw to ``rankN.json`` in its folder.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.model_information import CodelengthMonitor
from lightning_infomem.records.predictions import Predictions
from tests.networks import Classifier, dense, loader, mlp, num_hooks
from tests.process_groups import leave_process_group


class Faulty(Classifier):
    """Fails on one rank only, in what the monitor does there. Does not learn: runs are compared by their numbers."""

    def __init__(self, fault: str):
        super().__init__(mlp())
        self.fault, self.losses = fault, []

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.losses.append(loss.item())
        return loss

    def on_validation_epoch_start(self):
        if self.global_rank == 1 and not self.trainer.sanity_checking:
            tap = getattr(self.trainer.callbacks[0]._network._watch, "tap", None)
            if self.fault == "memory":
                tap.samples = self.exhausted
            elif self.fault == "layer":
                tap.skipped["network.0"] = "it is broken on this rank"

    test_step = Classifier.validation_step

    def exhausted(self):
        raise MemoryError("there is none left")

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.0)


def listed(predictions: Predictions) -> dict[str, Any]:
    """The fields, with lists for tensors."""
    state = predictions.to_state()
    return {name: value.tolist() if isinstance(value, torch.Tensor) else value for name, value in state.items()}


class Writer(pl.Callback):
    """Writes what this rank saw, in the process that trained."""

    def __init__(self, folder: Path, monitor: MemorizationMonitor, codelength: CodelengthMonitor):
        self.folder, self.monitor, self.codelength = folder, monitor, codelength
        self.warned: list[str] = []

    def setup(self, trainer, pl_module, stage):
        warnings.showwarning = lambda message, *_, **__: self.warned.append(str(message))

    def teardown(self, trainer, pl_module, stage):
        report, metrics = self.monitor.report, trainer.callback_metrics
        layers = () if report is None else report.layers
        found = {
            "coded": asdict(self.codelength.coded),
            "code_metrics": {name: value.item() for name, value in metrics.items() if name.startswith("codelength")},
            "metrics": {name: value.item() for name, value in metrics.items() if name.startswith("infomem")},
            "mutual_information": [layer.mutual_information.tolist() for layer in layers],
            "entropy": [layer.entropy.tolist() for layer in layers],
            "samples": [layer.num_samples for layer in layers],
            "scores": {} if report is None else dict(report.scores),
            "layer_scores": [dict(layer.scores) for layer in layers],
            "probe": None if report is None else report.probe,
            "predictions": None if report is None or report.predictions is None else listed(report.predictions),
            "losses": pl_module.losses,
            "training_loss": None if report is None else report.training_loss,
            "skipped": {} if report is None else report.skipped,
            "history": len(self.monitor.history),
            "run_id": self.monitor._course.run_id,
            "hooks": num_hooks(pl_module),
            "warned": [
                words for words in self.warned if any(name in words for name in ("Monitor", "infomem", "codelength"))
            ],
        }
        (self.folder / f"rank{trainer.global_rank}.json").write_text(json.dumps(found))


def run(
    folder: str,
    devices: int = 2,
    strategy: str = "ddp",
    examples: int = 101,
    max_samples: int = 1024,
    fault: str = "",
    probe: bool = False,
    whole: bool = False,
    stage: str = "fit",
    logged: bool = False,
    twice: bool = False,
) -> None:
    """One run. ``whole``: nobody divides the validation data, every rank sees all of it. ``twice``: so do its rows."""
    torch.manual_seed(0)
    settings = {"dataloader": loader(dense(30)), "every_n_train_steps": 1} if probe else {}
    codelength = CodelengthMonitor()
    monitor = MemorizationMonitor(max_samples=max_samples, **settings)
    Path(folder).mkdir(exist_ok=True)  # every process runs this file
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=devices,
        strategy=strategy if devices > 1 else "auto",
        max_epochs=1,
        limit_train_batches=2,
        use_distributed_sampler=not whole,
        callbacks=[monitor, codelength, Writer(Path(folder), monitor, codelength)],
        default_root_dir=folder,
        logger=TensorBoardLogger(folder, name="logs") if logged else False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=1,
    )
    inputs = dense(examples)
    model, batches = Faulty(fault), loader(torch.cat([inputs, inputs.flip(0)]) if twice else inputs, batch_size=8)
    if stage == "fit":
        trainer.fit(model, batches, batches)
    else:
        getattr(trainer, stage)(model, batches, verbose=False)


if __name__ == "__main__":
    torch.set_num_threads(1)
    is_second_command = "LOCAL_RANK" in os.environ  # of the strategy "ddp", or of torchrun
    for arguments in json.loads(sys.argv[1]):
        if not (is_second_command and arguments.get("strategy", "ddp") != "ddp"):
            run(**arguments)
    leave_process_group()
