"""Runs as a TensorBoard logger writes them, in the names that MemorizationMonitor logs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

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
    "age": 0.0,
}


def write_run(
    folder: Path,
    layers: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    epochs: int,
    first: int = 0,
    prefix: str = "infomem",
    **over_layers: Sequence[float],
) -> Path:
    """Ten steps an epoch; what is not given stays the same. Returns the file."""
    before = set(folder.glob("events*"))
    with SummaryWriter(str(folder)) as writer:
        for epoch in range(epochs):
            step = 10 * (first + epoch + 1)
            writer.add_scalar("epoch", first + epoch, step)
            writer.add_scalar("train_loss", 1.0, step)
            for name, usual in OVER_LAYERS.items():
                writer.add_scalar(f"{prefix}/{name}", over_layers.get(name, [usual] * epochs)[epoch], step)
            for layer, courses in layers.items():
                for name, usual in LAYER.items():
                    writer.add_scalar(f"{prefix}/{layer}/{name}", courses.get(name, [usual] * epochs)[epoch], step)
    (path,) = set(folder.glob("events*")) - before
    return path


def stand_back(path: Path, seconds: float) -> None:
    """Make a file older."""
    time = path.stat().st_mtime - seconds
    os.utime(path, (time, time))
