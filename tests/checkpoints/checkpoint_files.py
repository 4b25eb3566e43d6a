"""Reports whose measures are known, and checkpoint files in the layout that Lightning writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.records.predictions import Predictions
from lightning_infomem.records.report import REPORT_KEY, InformationReport, LayerInformation
from lightning_infomem.settings import MeasurementSettings

MONITOR = "MemorizationMonitor[infomem]"


def make_layer(name: str, information: float, entropy: float, *, units: int = 3, **fields: Any) -> LayerInformation:
    """A layer of which every unit has the same entropy and every pair the same mutual information."""
    matrix = torch.full((units, units), information, dtype=torch.float64)
    matrix.fill_diagonal_(10 * abs(information) + 5)  # a unit knows itself better than any other
    known: dict[str, Any] = {
        "name": name,
        "width": units,
        "units": torch.arange(units),
        "entropy": torch.full((units,), entropy, dtype=torch.float64),
        "mutual_information": matrix,
        "value_range": (-1.0, 1.0),
        "dead_fraction": 0.0,
        "tie_fraction": 0.0,
        "num_samples": 100,
        "num_dropped": 0,
    }
    return LayerInformation(**{**known, **fields})


def make_report(
    information: Mapping[str, float],
    entropy: Mapping[str, float] | None = None,
    *,
    step: int | None = None,
    **fields: Any,
) -> InformationReport:
    """Layer name -> mutual information, and entropy: the opposite by default, as under heuristic memorization."""
    entropy = {name: 3.0 - value for name, value in information.items()} if entropy is None else entropy
    layers = tuple(make_layer(name, value, entropy[name]) for name, value in information.items())
    known: dict[str, Any] = {"layers": layers, "settings": MeasurementSettings().to_state(), "backend": "reference"}
    known["task"] = "classification"
    return InformationReport(**{**known, "step": step, **fields})


def make_predictions(classes: torch.Tensor, *, num_classes: int = 10, **fields: Any) -> Predictions:
    """Classes of as many inputs, which are the first ones of the loader."""
    known: dict[str, Any] = {
        "log_odds": torch.zeros(len(classes), dtype=torch.float16),
        "inputs": torch.arange(len(classes)),
        "places": torch.arange(len(classes)),
        "loader": 0,
    }
    return Predictions(classes=classes.int(), num_classes=num_classes, **{**known, **fields})


def save_checkpoint(
    path: Path, report: InformationReport | None, *, epoch: int = 9, step: int = 90, **extra: Any
) -> Path:
    """Write one file; ``extra`` replaces or adds top-level entries."""
    state = None if report is None else report.to_state()
    checkpoint = {
        "epoch": epoch,
        "global_step": step,
        "pytorch-lightning_version": "2.6.6",
        "state_dict": {"weight": torch.zeros(2, 2)},
        "callbacks": {"EarlyStopping{'monitor': 'loss'}": {"wait_count": 0}, MONITOR: {REPORT_KEY: state, "age": 0}},
        "optimizer_states": [],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**checkpoint, **extra}, path)
    return path


def save_zoo(folder: Path, information: Mapping[str, float]) -> Path:
    """One file a name, each with a report of two layers, the second of which repeats the first on another scale."""
    for name, value in information.items():
        save_checkpoint(folder / f"{name}.ckpt", make_report({"first": value, "second": 10 * value}))
    return folder


def make_run(count: int, *, memorizes: bool = False, seed: float = 0.0) -> list[InformationReport]:
    """Reports of one run, an epoch of ten steps each; where it memorizes, it does from the fifth of them on."""
    reports = []
    for epoch in range(count):
        late = memorizes and epoch >= 4
        right = torch.arange(100, dtype=torch.int32) % 10
        predicted = torch.where(torch.arange(100) < 30, (right + 1) % 10, right) if late else right
        scores = {"class_smoothness": 0.5 if late else 0.9}
        layers = tuple(
            make_layer(name, 0.5 + seed - 0.01 * epoch, 2.0 + 0.1 * epoch, scores=scores) for name in ("first", "last")
        )
        reports.append(
            InformationReport(
                layers,
                MeasurementSettings().to_state(),
                "reference",
                epoch=epoch,
                step=10 * (epoch + 1),
                seconds=0.25 + seed + epoch / 1024,
                version="0.1.0",
                probe="inputs",
                predictions=make_predictions(predicted, num_classes=10),
                task="classification",
            )
        )
    return reports


def save_run(
    path: Path, reports: list[InformationReport], *, prefix: str = "infomem", run_id: str | None = None, late: float = 0
) -> Path:
    """One checkpoint at the end of a run that a monitor watched, with all that the monitor leaves there.

    A run of a given ``run_id`` was measured ``late`` seconds after 1970 and a second a step.
    """
    monitor = MemorizationMonitor(prefix=prefix)
    for report in reports:
        monitor._course.add(report, epoch=report.epoch, step=report.step)
    if run_id is not None:
        monitor._course.run_id, monitor._course.time = run_id, late + reports[-1].step
    monitor.report = reports[-1]
    callbacks = {monitor.state_key: monitor.state_dict()}
    return save_checkpoint(path, reports[-1], epoch=reports[-1].epoch, step=reports[-1].step, callbacks=callbacks)
