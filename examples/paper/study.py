"""Train and measure the networks of experiments, with one record per network. Recorded networks are skipped."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn

from examples.paper.classifier import Classifier, accuracy
from examples.paper.data import PaperData
from examples.paper.experiment import Experiment
from examples.paper.measures import measure_network
from examples.paper.registry import find_experiment
from examples.workers import on_workers
from lightning_infomem.functional.complexity import (
    frobenius_norms,
    log_product,
    path_norm,
    spectral_norms,
    sum_of_squares,
)

__all__ = ["FORMAT", "Sizes", "read_records", "run", "run_all", "without_denormals"]

FORMAT = 1
Record = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """The size of measurement and training.

    Attributes:
        max_samples: Number of inputs of the probe to measure.
        max_units: Number of units to measure per layer, drawn at random, the same for all networks.
        epochs: Number of epochs; None for that of the recipe.
    """

    max_samples: int = 1000
    max_units: int = 128
    epochs: int | None = None


def run_all(
    experiments: Sequence[Experiment],
    seeds: Sequence[int],
    sizes: Sizes,
    data_root: Path | None,
    output: Path,
    workers: int,
) -> Iterator[bool]:
    """Train and measure the missing networks, each in a single-threaded process.

    Yields:
        After each network, recorded or new, whether it is new.
    """
    # Level by level within a seed, seed by seed, so that an unfinished study is balanced.
    wanted = [(each.name, level, seed) for seed in seeds for each in experiments for level in each.levels]
    missing = [job for job in wanted if not record_path(*job, sizes, output).exists()]
    yield from (False for _ in range(len(wanted) - len(missing)))
    for _ in on_workers(_run_and_keep, missing, sizes, data_root, output, workers=workers):
        yield True


def read_records(experiment: Experiment, seeds: Sequence[int], sizes: Sizes, output: Path) -> list[Record]:
    """Read the records of an experiment with exactly these settings; others are ignored.

    Raises:
        ValueError: Networks of one seed were measured on different inputs, because the data have changed.
    """
    paths = [record_path(experiment.name, level, seed, sizes, output) for seed in seeds for level in experiment.levels]
    records = [json.loads(path.read_text()) for path in paths if path.exists()]
    for seed in seeds:
        probes = {record["probe"] for record in records if record["seed"] == seed}
        if len(probes) > 1:
            raise ValueError(
                f"output: networks of a seed that were measured on the same inputs are required, those of "
                f"{experiment.name}, seed {seed}, in '{output}' were measured on {len(probes)} sets: the data have "
                "changed since; use another folder."
            )
    return records


def record_path(name: str, level: float, seed: int, sizes: Sizes, output: Path) -> Path:
    """Return the path of a record. It depends on recipe and size, so that different ones never mix."""
    experiment = find_experiment(name)
    settings = [FORMAT, experiment.recipe.to_state(), asdict(sizes), str(experiment.layers), experiment.pooling]
    mark = blake2b(json.dumps(settings).encode(), digest_size=4).hexdigest()
    # A model can be a folder, or an owner and a name.
    return output / name.replace("/", "-") / f"level={level:g}_seed={seed}_{mark}.json"


def run(experiment: Experiment, level: float, seed: int, sizes: Sizes, data_root: Path | None) -> Record:
    """Train, evaluate and measure one network."""
    start = time.perf_counter()
    data = experiment.make_data(data_root, level, seed)
    network = train(experiment, data, seed, sizes.epochs)
    trained = time.perf_counter()
    judge = experiment.judge or _accuracies
    record = {
        "format": FORMAT,
        "experiment": experiment.name,
        "level": level,
        "seed": seed,
        "recipe": {**experiment.recipe.to_state(), **({} if sizes.epochs is None else {"epochs": sizes.epochs})},
        "sizes": asdict(sizes),
        "examples": {"train": len(data.train_set), "validation": len(data.validation_set)},
        "extrinsic": judge(network, data),
        "train_accuracy": accuracy(network, data.train_dataloader()),
        "norms": _norms(network, data),
        **measure_network(network, experiment, data, sizes.max_samples, sizes.max_units),
    }
    record["seconds"] = {"training": trained - start, "rest": time.perf_counter() - trained}
    record["versions"] = {name: version(name) for name in ("lightning-infomem", "torch", "pytorch-lightning", "numpy")}
    record["machine"], record["date"] = platform.machine(), date.today().isoformat()
    return record


def train(experiment: Experiment, data: PaperData, seed: int, epochs: int | None = None) -> nn.Module:
    """Train a network with the recipe; a seed gives the same network with any number of processes."""
    network = experiment.make_network(data, seed)
    torch.manual_seed(seed)  # of dropout
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated.*")
        Trainer(
            max_epochs=epochs or experiment.recipe.epochs,
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(Classifier(network, experiment.recipe), data)
    return network.eval()


@contextmanager
def without_denormals() -> Iterator[None]:
    """Flush denormal numbers to zero: a weight penalty produces them, and they are many times slower."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _accuracies(network: nn.Module, data: PaperData) -> dict[str, float]:
    return {"validation_accuracy": accuracy(network, data.val_dataloader())}


def _norms(network: nn.Module, data: PaperData) -> dict[str, float | None]:
    """Return norms of all weights: sums of squares, logarithms of products, and the path-norm for numeric inputs."""
    weights = network.state_dict()
    spectral, frobenius = spectral_norms(weights), frobenius_norms(weights)
    example = data.validation_set[0][0]
    takes_numbers = isinstance(example, Tensor) and example.is_floating_point()
    return {
        "2-norm": sum_of_squares(spectral),
        "2-norm, log-product": log_product(spectral),
        "Frobenius": sum_of_squares(frobenius),
        "Frobenius, log-product": log_product(frobenius),
        "path-norm": path_norm(network, example[None]) if takes_numbers else None,
    }


def _run_and_keep(job: tuple[str, float, int], sizes: Sizes, data_root: Path | None, output: Path) -> None:
    name, level, seed = job
    for package in ("pytorch_lightning", "lightning.pytorch"):  # if both are installed, either can log
        logging.getLogger(package).setLevel(logging.ERROR)
    with without_denormals():
        record = run(find_experiment(name), level, seed, sizes, data_root)
    path = record_path(name, level, seed, sizes, output)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written under a temporary name first, so that readers see all of a record or none.
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(record))
    os.replace(unfinished, path)
