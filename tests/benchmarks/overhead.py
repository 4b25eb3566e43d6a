"""What the callback costs a validation: ``python -m tests.benchmarks.overhead``. Writes ``results/overhead.json``.

The time inside the hooks is taken by itself: the difference of two whole runs would drown in their noise.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem import MemorizationMonitor
from lightning_infomem.sampling.taps import ActivationTap
from tests.benchmarks import memory

RESULTS = Path(__file__).with_name("results")
_VALIDATIONS = 200


class _Block(nn.Module):
    """The basic block of He et al. (2016)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut = (
            nn.Identity() if stride == 1 and channels == width else nn.Conv2d(channels, width, 1, stride, bias=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet18() -> nn.Module:
    """For images of 32 x 32, 11 million parameters."""
    widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
    blocks = [_Block(before, after, 1 if before == after else 2) for before, after in itertools.pairwise(widths)]
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 1, 1), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)
    )


class Transformer(nn.Module):
    """Four layers of width 256 over 64 tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1000, 256)
        layer = nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(256, 10)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(self.embedding(tokens)).mean(1))


class _Classifier(pl.LightningModule):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.network(batch[0])


@dataclass(frozen=True)
class Cost:
    """Seconds of one validation: of all of it, inside the hooks, and of the measurement behind it."""

    name: str
    examples: int
    layers: int
    validation: float
    capture: float
    measurement: float


class Clock:
    """Adds up the time inside some methods of a class."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **settings: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*arguments, **settings)
            finally:
                self.seconds += time.perf_counter() - start

        return run


def cost(name: str, network: nn.Module, inputs: torch.Tensor, batch_size: int) -> Cost:
    """One validation after another, which loads and compiles everything."""
    clock, monitor = Clock(), MemorizationMonitor()
    trainer, model = _trainer(monitor), _Classifier(network)
    batches = DataLoader(TensorDataset(inputs), batch_size=batch_size)
    trainer.validate(model, batches, verbose=False)
    names = ("open_batch", "close_batch", "see")
    before = {method: getattr(ActivationTap, method) for method in names}
    for method, function in before.items():
        setattr(ActivationTap, method, clock.timed(function))
    try:
        start = time.perf_counter()
        trainer.validate(model, batches, verbose=False)
        seconds = time.perf_counter() - start
    finally:
        for method, function in before.items():
            setattr(ActivationTap, method, function)
    report = monitor.report
    assert report is not None
    return Cost(name, len(inputs), len(report.layers), seconds - report.seconds, clock.seconds, report.seconds)


def growth() -> float | None:
    """Mebibytes by which the process grows over the last 200 of 220 validations; Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    network = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    trainer, model = _trainer(MemorizationMonitor()), _Classifier(network)
    batches = DataLoader(TensorDataset(torch.randn(1024, 32)), batch_size=256)
    for validation in range(20 + _VALIDATIONS):
        if validation == 20:
            before = memory.of_this_process("VmRSS:")
        trainer.validate(model, batches, verbose=False)
    return memory.of_this_process("VmRSS:") - before


def _trainer(monitor: MemorizationMonitor) -> pl.Trainer:
    return pl.Trainer(
        callbacks=monitor,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for overhead.json")
    arguments = parser.parse_args()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    console, generator = Console(width=140), torch.Generator().manual_seed(0)
    costs = [
        cost("ResNet-18", resnet18(), torch.randn(1280, 3, 32, 32, generator=generator), 64),
        cost("transformer", Transformer(), torch.randint(1000, (2560, 64), generator=generator), 64),
    ]
    for each in costs:
        console.print(
            f"{each.name}, {each.examples} examples, {each.layers} layers: validation {each.validation:.2f} s, "
            f"capture {100 * each.capture / each.validation:.1f} % of it (to keep: 3 %); "
            f"measurement {each.measurement:.2f} s."
        )
    grown = growth()
    if grown is not None:
        console.print(f"Growth over {_VALIDATIONS} validations: {grown:.1f} MiB.")
    arguments.output.mkdir(parents=True, exist_ok=True)
    record = {"costs": [asdict(each) for each in costs], "validations": _VALIDATIONS, "growth_mebibytes": grown}
    (arguments.output / "overhead.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
