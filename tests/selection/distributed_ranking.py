"""Measurements by a Trainer of several processes: ``python -m tests.selection.distributed_ranking FOLDER RUNS``.

``RUNS`` is a JSON list of keyword arguments of `run`. Each process writes what it saw to ``NAME_rankN.json``.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem.checkpoints.reading import find_checkpoints
from lightning_infomem.offline import with_trainer
from lightning_infomem.offline.cache import ReportCache
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.read_candidates import read_candidates
from tests.networks import dense, mlp
from tests.process_groups import leave_process_group


def _fail_on_second(model, batch):
    if int(os.environ.get("LOCAL_RANK", "0")) == 1:
        raise ValueError("it is broken on this process")
    return model(batch[0])


def run(folder: Path, name: str, kind: str = "loader", fails: bool = False) -> None:
    """One ranking's worth of measurements of all checkpoints in the folder."""
    measured = []
    measure = with_trainer.measure_with_trainer

    def counting(*arguments, **options):
        measured.append(1)
        return measure(*arguments, **options)

    written = []
    write = ReportCache.write
    ReportCache.write = lambda self, file, report: (written.append(1), write(self, file, report))
    with_trainer.measure_with_trainer = counting
    complaints: list[str] = []
    warnings.showwarning = lambda message, *_, **__: complaints.append(str(message))
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=2,
        strategy="ddp",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    # 101 rows cannot be shared equally: one is repeated.
    data = DataLoader(TensorDataset(dense(101)), batch_size=8) if kind == "loader" else list(dense(101).split(8))
    measurement = OfflineMeasurement(
        mlp(), data, trainer=trainer, cache=folder / f"cache_{name}", forward=_fail_on_second if fails else None
    )
    candidates, skipped = read_candidates(find_checkpoints(folder), measurement)
    first = len(measured)
    again, _ = read_candidates(find_checkpoints(folder), measurement)
    control = measurement.control(1) if not fails else None
    found = {
        "information": [_by_layer(each, "mutual_information") for each in candidates],
        "again": [_by_layer(each, "mutual_information") for each in again],
        "entropy": [_by_layer(each, "entropy") for each in candidates],
        "skipped": list(skipped.values()),
        "measured": [first, len(measured)],
        "written": len(written),
        "control": None if control is None else [control["0"].num_samples, control["0"].entropy.mean().item()],
        "complaints": [words for words in complaints if "DistributedSampler" in words],
    }
    (folder / f"{name}_rank{trainer.global_rank}.json").write_text(json.dumps(found))
    ReportCache.write, with_trainer.measure_with_trainer = write, measure


def _by_layer(candidate: Candidate, criterion: str) -> dict[str, float]:
    return {name: layer.scores[criterion] for name, layer in candidate.layers.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for arguments in json.loads(sys.argv[2]):
        run(Path(sys.argv[1]), **arguments)
    leave_process_group()
