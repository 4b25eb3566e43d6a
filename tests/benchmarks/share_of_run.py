"""What share of a run the bare monitor takes: ``python -m tests.benchmarks.share_of_run``.

Four networks are trained twice on the same random data, validated on 512 examples, with a TensorBoardLogger. *Before*:
256 units a layer, and the figures of every measurement. *After*: the defaults, with 128 units a layer, and figures as
often as there is time. All times are seconds of the processor, so that waiting for other work on the machine does not
count. Writes ``results/share_of_run.json``.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem import MemorizationMonitor
from lightning_infomem._lightning import quiet_lightning
from lightning_infomem.callbacks import run_monitor
from lightning_infomem.reporting.figure_budget import FigureBudget
from lightning_infomem.sampling.taps import ActivationTap
from tests.benchmarks.bench import processor
from tests.benchmarks.overhead import RESULTS, Transformer, resnet18

_BATCH, _VALIDATED = 64, 512
_BEFORE: dict[str, Any] = {"max_units": 256}
_EPOCHS_BEFORE = 2  # enough, since all cost the same


@dataclass(frozen=True)
class Network:
    """A network to train, and how much: batches an epoch, and epochs."""

    name: str
    make: Callable[[], nn.Module]
    batches: int
    epochs: int
    inputs: Callable[[int, torch.Generator], Tensor]


def images(count: int, generator: torch.Generator) -> Tensor:
    return torch.randn(count, 3, 32, 32, generator=generator)


def sentences(count: int, generator: torch.Generator) -> Tensor:
    return torch.randint(1000, (count, 64), generator=generator)


def mlp() -> nn.Module:
    layers = [nn.Linear(3072, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(512, 10))


def small_cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(4096, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


NETWORKS = (
    Network("MLP, 3 x 512", mlp, 80, 10, images),
    Network("small CNN", small_cnn, 80, 5, images),
    Network("ResNet-18", resnet18, 20, 3, images),
    Network("transformer, 4 layers", Transformer, 12, 4, sentences),
)


class Classifier(pl.LightningModule):
    """Trains a network by SGD."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("loss", nn.functional.cross_entropy(self.network(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.01)


@dataclass(frozen=True)
class Share:
    """Seconds of the processor in one run: of all of it, of all in the monitor's hooks, and of drawing among these."""

    network: str
    settings: str
    epochs: int
    run: float
    monitor: float
    drawing: float
    times_drawn: int

    @property
    def epoch(self) -> float:
        """Seconds of an epoch without the monitor."""
        return (self.run - self.monitor) / self.epochs


class Clock:
    """Adds up the processor's time in some functions, and counts a function that calls another one only once."""

    def __init__(self) -> None:
        self.seconds, self.calls, self._depth = 0.0, 0, 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **settings: Any) -> Any:
            start, self._depth = time.process_time(), self._depth + 1
            try:
                return function(*arguments, **settings)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.process_time() - start
                    self.calls += 1

        return run


def share(network: Network, settings: str) -> Share:
    """Train once."""
    epochs = _EPOCHS_BEFORE if settings == "before" else network.epochs
    torch.manual_seed(0)
    monitor = MemorizationMonitor(**(_BEFORE if settings == "before" else {}))
    inside, drawing, figures = Clock(), Clock(), Clock()
    with ExitStack() as stack, quiet_lightning(), tempfile.TemporaryDirectory() as folder:
        for name in [name for name in dir(pl.Callback) if name.startswith(("on_", "setup", "teardown", "state_dict"))]:
            setattr(monitor, name, inside.timed(getattr(monitor, name)))
        stack.enter_context(_replaced(ActivationTap, "_read", inside.timed))
        stack.enter_context(_replaced(run_monitor, "log_pictures", drawing.timed))
        stack.enter_context(_replaced(run_monitor, "run_figures", figures.timed))
        if settings == "before":
            stack.enter_context(mock.patch.object(FigureBudget, "has_time", return_value=True))
        trainer = pl.Trainer(
            max_epochs=epochs,
            callbacks=monitor,
            accelerator="cpu",
            logger=TensorBoardLogger(folder),
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        generator = torch.Generator().manual_seed(0)
        training, validation = (_data(network, count, generator) for count in (_BATCH * network.batches, _VALIDATED))
        start = time.process_time()
        trainer.fit(Classifier(network.make()), training, validation)
        seconds = time.process_time() - start
    return Share(network.name, settings, epochs, seconds, inside.seconds, drawing.seconds, figures.calls)


def _data(network: Network, count: int, generator: torch.Generator) -> DataLoader[Any]:
    labels = torch.randint(10, (count,), generator=generator)
    return DataLoader(TensorDataset(network.inputs(count, generator), labels), batch_size=_BATCH)


@contextmanager
def _replaced(owner: Any, name: str, change: Callable[[Any], Any]) -> Iterator[None]:
    with mock.patch.object(owner, name, change(getattr(owner, name))):
        yield


def table(shares: list[Share]) -> Table:
    """Share of the run, and seconds a validation, before and after."""
    found = Table(title="The bare monitor with TensorBoard: share of the processor's time of a run (of it drawing)")
    for heading in ("network", "settings", "epoch, s", "share", "drawing", "s a validation", "times drawn"):
        found.add_column(heading, justify="left" if heading == "network" else "right")
    for each in shares:
        found.add_row(
            each.network,
            each.settings,
            f"{each.epoch:.1f}",
            f"{each.monitor / each.run:.1%}",
            f"{each.drawing / each.run:.1%}",
            f"{each.monitor / each.epochs:.2f}",
            f"{each.times_drawn} of {each.epochs}",
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for share_of_run.json")
    arguments = parser.parse_args()
    share(Network("", mlp, 1, 2, images), "before")  # loads and compiles everything
    console, shares = Console(width=140), []
    for network in NETWORKS:
        shares += [share(network, settings) for settings in ("before", "after")]
        console.print(f"{network.name}: done.")
    console.print(table(shares))
    versions = {module.__name__: module.__version__ for module in (torch, pl, matplotlib)}
    record = {
        "date": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "processor": processor(),
        "versions": {"python": platform.python_version(), **versions},
        "shares": [{**asdict(each), "share": each.monitor / each.run} for each in shares],
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "share_of_run.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
