"""Train the zoos in several processes, skipping networks that are already trained."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from examples.benchmarks.networks import build_network
from examples.benchmarks.recipes import Recipe, Zoo
from examples.benchmarks.tasks import make_task
from examples.workers import on_workers

__all__ = ["Job", "is_trained", "jobs_of", "note_labelled", "read_labelled", "train", "train_all", "write_atomically"]

_LABELLED = "labelled.json"
_BATCH = 64


@dataclass(frozen=True)
class Job:
    """One network to train into ``folder/name.ckpt``."""

    folder: Path
    name: str
    recipe: Recipe

    @property
    def path(self) -> Path:
        """Path of the checkpoint."""
        return self.folder / f"{self.name}.ckpt"

    @property
    def done(self) -> bool:
        """Whether it has been trained with exactly this recipe."""
        return is_trained(self.path, self.recipe.to_state())


def jobs_of(zoo: Zoo, output: Path) -> list[Job]:
    """List the networks of a zoo, and its references in a separate folder."""
    folder = output / zoo.name
    models = [Job(folder, name, recipe) for name, recipe in zoo.models.items()]
    return models + [Job(folder / "references", name, recipe) for name, recipe in zoo.references.items()]


def read_labelled(folder: Path) -> dict[str, dict[str, Any]]:
    """Map each checkpoint in the folder to its recipe and its labelled measures; empty before training."""
    path = folder / _LABELLED
    return json.loads(path.read_text()) if path.exists() else {}


def is_trained(path: Path, recipe: dict[str, Any]) -> bool:
    """Whether the checkpoint is there and was trained with exactly this recipe."""
    entry = read_labelled(path.parent).get(path.stem)
    return entry is not None and entry["recipe"] == recipe and path.exists()


def train_all(jobs: Sequence[Job], mnist: Path | None, workers: int, advance: Callable[[], None]) -> None:
    """Train networks, each on one thread, and record each as soon as it is done.

    Args:
        jobs: Networks to train, finished ones included.
        mnist: Folder of MNIST; None if no job needs it.
        workers: Number of processes.
        advance: Called after each network.
    """
    for job, entry in on_workers(train, jobs, mnist, workers=workers):
        note_labelled(job.folder, job.name, entry)
        advance()


def train(job: Job, mnist: Path | None) -> dict[str, Any]:
    """Train one network, save it, and return its entry in the labelled.json of the folder."""
    start = time.perf_counter()
    recipe, task = job.recipe, make_task(job.recipe, mnist)
    torch.manual_seed(recipe.seed)
    network = build_network(recipe)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    inputs, labels = task.train
    steps = 0
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(inputs)).split(_BATCH):
            loss = nn.functional.cross_entropy(network(inputs[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps += 1
    checkpoint = {
        "state_dict": network.state_dict(),
        "epoch": recipe.epochs - 1,
        "global_step": steps,
        "pytorch-lightning_version": "2.0.0",  # the layout is that of this version
        "hyper_parameters": recipe.to_state(),
    }
    job.folder.mkdir(parents=True, exist_ok=True)
    write_atomically(job.path, lambda path: torch.save(checkpoint, path))
    clean_accuracy, _ = _evaluate(network, *task.clean)
    validation_accuracy, validation_loss = _evaluate(network, *task.validation)
    train_accuracy, train_loss = _evaluate(network, *task.train)
    return {
        "recipe": recipe.to_state(),
        "clean_accuracy": clean_accuracy,
        "validation_accuracy": validation_accuracy,
        "validation_loss": validation_loss,
        "train_accuracy": train_accuracy,
        "train_loss": train_loss,
        "seconds": time.perf_counter() - start,
    }


@torch.no_grad()
def _evaluate(network: nn.Module, inputs: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the accuracy and the mean cross-entropy in nats."""
    logits = network(inputs)
    accuracy = (logits.argmax(1) == labels).double().mean().item()
    return accuracy, nn.functional.cross_entropy(logits, labels).item()


def note_labelled(folder: Path, name: str, entry: dict[str, Any]) -> None:
    """Add the entry of a checkpoint to what `read_labelled` reads."""
    labelled = {**read_labelled(folder), name: entry}
    write_atomically(folder / _LABELLED, lambda path: path.write_text(json.dumps(labelled, indent=1)))


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write to a temporary name first, so that readers see either the old file or the new one."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    write(unfinished)
    os.replace(unfinished, path)
