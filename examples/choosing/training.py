"""Train the networks of the sweeps, skipping those that are already trained."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from examples.benchmarks.training import is_trained, note_labelled, write_atomically
from examples.choosing.neighbors import leave_one_out_accuracy, nearest_examples
from examples.choosing.networks import build_network
from examples.choosing.sources import Sources
from examples.choosing.sweeps import Recipe, Sweep
from examples.choosing.tasks import Task, make_task
from examples.workers import on_workers

__all__ = ["Job", "jobs_of", "train", "train_all"]

_NUM_NEIGHBORS = 10
_MAX_GRADIENT = 5.0  # keeps the largest learning rates finite


@dataclass(frozen=True)
class Job:
    """One network to train into ``folder/name.ckpt``, and its probabilities into ``folder/name.npz``.

    Attributes:
        sweep: The sweep.
        home: Folder of the sweep; ``data.npz`` there holds what is the same for all its networks.
        name: Name of the network.
        recipe: Its recipe.
        is_reference: Whether it is one of those that are known to generalise, which lie in a folder of their own.
    """

    sweep: Sweep
    home: Path
    name: str
    recipe: Recipe
    is_reference: bool

    @property
    def folder(self) -> Path:
        """Folder of the checkpoint."""
        return self.home / "references" if self.is_reference else self.home

    @property
    def path(self) -> Path:
        """Path of the checkpoint."""
        return self.folder / f"{self.name}.ckpt"

    @property
    def done(self) -> bool:
        """Whether it has been trained with exactly this recipe."""
        return is_trained(self.path, self.recipe.to_state())


def jobs_of(sweep: Sweep, output: Path) -> list[Job]:
    """List the networks of a sweep, and its references in a separate folder."""
    home = output / sweep.folder
    models = [Job(sweep, home, name, recipe, False) for name, recipe in sweep.models.items()]
    return models + [Job(sweep, home, name, recipe, True) for name, recipe in sweep.references.items()]


def train_all(
    jobs: Sequence[Job], sources: Sources, workers: int, advance: Callable[[Job, dict[str, Any]], None]
) -> None:
    """Train networks, each on one thread, and record each as soon as it is done.

    Args:
        jobs: Networks to train.
        sources: Where the data lie.
        workers: Number of processes.
        advance: Called after each network, with its entry in ``labelled.json``.
    """
    for job, entry in on_workers(train, jobs, sources, workers=workers):
        note_labelled(job.folder, job.name, entry)
        advance(job, entry)


def train(job: Job, sources: Sources) -> dict[str, Any]:
    """Train one network, save it, and return its entry in the ``labelled.json`` of the folder.

    Returns:
        "recipe"; "clean_accuracy" on the clean test; "probe_accuracy" on the probe with its true labels; accuracy and
        loss in nats on the validation and training sets with their labels as given; "last_epoch_loss", the mean over
        the training steps of the last epoch; "steps"; "seconds" that the training took.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    about_data = job.home / "data.npz"
    if not about_data.exists():
        _describe(make_task(job.sweep, None, sources), about_data)
    recipe, task = job.recipe, make_task(job.sweep, job.recipe, sources)
    start = time.perf_counter()
    torch.manual_seed(recipe.seed)
    network = build_network(recipe)
    optimizer = _optimizer(recipe, network)
    steps, epoch_loss = _fit(network, optimizer, recipe, *task.train)
    network.eval()
    seconds = time.perf_counter() - start
    checkpoint = {
        "state_dict": {name: weight.contiguous() for name, weight in network.state_dict().items()},
        "epoch": recipe.epochs - 1,
        "global_step": steps,
        "pytorch-lightning_version": "2.0.0",  # the layout is that of this version
        "hyper_parameters": recipe.to_state(),
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [],
    }
    probe, validation = _probabilities(network, task.probe[0]), _probabilities(network, task.validation[0])
    _save_arrays(
        job.folder / f"{job.name}.npz",
        probe=probe.half().numpy(),
        validation=validation.half().numpy(),
        validation_labels=task.validation[1].numpy(),
        last_epoch_loss=np.array(epoch_loss),
    )
    write_atomically(job.path, lambda path: torch.save(checkpoint, path))
    validation_accuracy, validation_loss = _judge(validation, task.validation[1])
    train_accuracy, train_loss = _judge(_probabilities(network, task.train[0]), task.train[1])
    return {
        "recipe": recipe.to_state(),
        "clean_accuracy": _judge(_probabilities(network, task.test[0]), task.test[1])[0],
        "probe_accuracy": _judge(probe, task.probe[1])[0],
        "validation_accuracy": validation_accuracy,
        "validation_loss": validation_loss,
        "train_accuracy": train_accuracy,
        "train_loss": train_loss,
        "last_epoch_loss": epoch_loss,
        "steps": steps,
        "seconds": seconds,
    }


def _optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    settings: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, "fused": True}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), momentum=0.9, **settings)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), **settings)
    return torch.optim.AdamW(network.parameters(), **settings)


def _fit(
    network: nn.Module, optimizer: torch.optim.Optimizer, recipe: Recipe, inputs: Tensor, labels: Tensor
) -> tuple[int, float]:
    """Train, and return the number of steps and the mean loss of the last epoch in nats."""
    network.train()
    if inputs.ndim == 4:  # convolutions are twice as fast
        network, inputs = network.to(memory_format=torch.channels_last), _channels_last(inputs)
    steps, total = 0, 0.0
    for _ in range(recipe.epochs):
        total = 0.0
        for rows in torch.randperm(len(inputs)).split(recipe.batch_size):
            batch = inputs[rows] if inputs.ndim == 2 else _channels_last(inputs[rows])
            loss = nn.functional.cross_entropy(network(batch), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), _MAX_GRADIENT)
            optimizer.step()
            steps += 1
            total += loss.item() * len(rows)
    return steps, total / len(inputs)


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def _probabilities(network: nn.Module, inputs: Tensor) -> Tensor:
    """Return float64 probabilities ``[inputs, classes]``."""
    return torch.cat([network(batch).double().softmax(1) for batch in inputs.split(1000)])


def _judge(probabilities: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the accuracy and the mean cross-entropy in nats."""
    accuracy = (probabilities.argmax(1) == labels).double().mean().item()
    chosen = probabilities.gather(1, labels[:, None]).clamp_min(torch.finfo(torch.float64).tiny)
    return accuracy, -chosen.log().mean().item()


def _describe(task: Task, path: Path) -> None:
    """Save what is the same for all networks of a sweep.

    The arrays are "probe_labels" (true), "validation_labels" (as given), "neighbors" (the places in the training set of
    the examples nearest to each probe input), "neighbor_labels" (as given for them), both ``[probe, 10]``, and
    "leave_one_out_accuracy" of the training labels.
    """
    inputs, labels = task.train
    neighbors = nearest_examples(task.probe[0], inputs, _NUM_NEIGHBORS)
    _save_arrays(
        path,
        probe_labels=task.probe[1].numpy(),
        validation_labels=task.validation[1].numpy(),
        neighbors=neighbors.numpy(),
        neighbor_labels=labels[neighbors].numpy(),
        leave_one_out_accuracy=np.array(leave_one_out_accuracy(inputs, labels)),
    )


def _save_arrays(path: Path, **arrays: np.ndarray[Any, Any]) -> None:
    unfinished = path.with_name(f"unfinished-{os.getpid()}-{path.name}")
    np.savez_compressed(unfinished, **arrays)  # type: ignore[arg-type]
    os.replace(unfinished, path)
