"""Run files as `MemorizationMonitor` writes them."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lightning_infomem.records.report import InformationReport
from lightning_infomem.runs.alarm import say_too_few
from lightning_infomem.runs.run_course import RunCourse
from lightning_infomem.runs.run_file import RUN_FILE, Measurement, RunFile

LAYER = {"mi_mean": 0.25, "mi_p95": 0.5, "entropy_mean": 2.0, "mi_drop": 0.0, "dead_fraction": 0.0, "tie_fraction": 0.0}
OVER_LAYERS = {
    "mi_mean": 0.25,
    "entropy_mean": 2.0,
    "smoothness": 0.75,
    "memorizing": 0.0,
    "smoothness_drop": 0.0,
    "consensus_drop": 0.0,
    "samples": 100.0,
    "seconds": 0.5,
}


def make_measurement(**fields) -> Measurement:
    """The first of a run, but for what is given."""
    usual = {
        "run_id": "c0ffee",
        "prefix": "infomem",
        "number": 0,
        "epoch": 0,
        "step": 10,
        "time": 1000.0,
        "values": {"infomem/fc/mi_mean": 0.25, "infomem/mi_mean": 0.25},
        "is_memorizing": False,
        "kept_epoch": 0,
        "kept_step": 10,
        "abstention": None,
    }
    return Measurement(**{**usual, **fields})


def write_run(
    folder: Path,
    layers: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    epochs: int,
    first: int = 0,
    prefix: str = "infomem",
    run_id: str = "c0ffee",
    kept: int = 0,
    **over_layers: Sequence[float],
) -> Path:
    """Ten steps an epoch; what is not given stays the same, and what is NaN is not there. Returns the file."""
    file = RunFile(folder, who="a test")
    for index in range(epochs):
        epoch = first + index
        own = {name: over_layers.get(name, [usual] * epochs)[index] for name, usual in OVER_LAYERS.items()}
        values = {f"{prefix}/{name}": value for name, value in own.items()}
        for layer, courses in layers.items():
            for name, usual in LAYER.items():
                values[f"{prefix}/{layer}/{name}"] = courses.get(name, [usual] * epochs)[index]
        file.append(
            make_measurement(
                run_id=run_id,
                prefix=prefix,
                number=epoch,
                epoch=epoch,
                step=10 * (epoch + 1),
                time=time.time(),
                values={name: value for name, value in values.items() if math.isfinite(value)},
                is_memorizing=own["memorizing"] == 1,
                kept_epoch=kept,
                kept_step=10 * (kept + 1),
                abstention=None if epoch >= 3 else say_too_few(epoch + 1),
            )
        )
    return folder / RUN_FILE


def log_run(
    folder: Path,
    reports: Sequence[InformationReport],
    *,
    first: int = 0,
    prefix: str = "infomem",
    run_id: str = "run",
    late: float = 0,
) -> Path:
    """The lines of a run from the measurement ``first`` on; see `save_run` for the times. Returns the file."""
    course, file = RunCourse(prefix), RunFile(folder, who="a test")
    course.run_id = run_id
    for number, report in enumerate(reports):
        course.add(report, epoch=report.epoch, step=report.step)
        if number >= first:
            file.append(dataclasses.replace(course.last_measurement(), time=late + report.step))
    return folder / RUN_FILE


def stand_back(path: Path, seconds: float) -> None:
    """Make a file older."""
    time = path.stat().st_mtime - seconds
    os.utime(path, (time, time))
