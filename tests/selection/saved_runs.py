"""Checkpoints of one run, each with a report of its epoch, as a training leaves them that saves every epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch

from lightning_infomem.records.report import InformationReport
from tests.checkpoints.checkpoint_files import make_predictions, make_report, save_checkpoint

TRUTH = torch.arange(400, dtype=torch.int32) % 10


def report_of(epoch: int, share_flipped: float, smoothness: float) -> InformationReport:
    """The report of one epoch in which a share of the predictions is drawn at random."""
    generator = torch.Generator().manual_seed(epoch)
    predicted = torch.where(
        torch.rand(400, generator=generator) < share_flipped,
        torch.randint(0, 10, (400,), generator=generator).int(),
        TRUTH,
    )
    known = {"probe": "same inputs", "predictions": make_predictions(predicted)}
    plain = make_report({"fc1": 0.3}, epoch=epoch, step=10 * epoch, **known)
    layers = tuple(
        dataclasses.replace(layer, scores={**layer.scores, "class_smoothness": smoothness}) for layer in plain.layers
    )
    return dataclasses.replace(plain, layers=layers)


# Learns until epoch 5, then predictions depart and are less and less smooth.
MEMORIZING = [
    report_of(epoch, abs(epoch - 5) * 0.05, 0.9 - abs(epoch - 5) * (0.02 if epoch < 5 else 0.04)) for epoch in range(12)
]
CLEAN = [report_of(epoch, 0.3 / (epoch + 1), 0.9 - 0.3 / (epoch + 1)) for epoch in range(12)]


def save_epochs(folder: Path, reports: Sequence[InformationReport]) -> Path:
    """One file an epoch, with its report and without the course of the run."""
    for report in reports:
        save_checkpoint(folder / f"epoch={report.epoch}.ckpt", report, epoch=report.epoch, step=report.step)
    return folder
