"""Train one network of the zoo and record, epoch by epoch, what is measured without labels and with them."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor, nn

from examples.studies.measuring import NUM_PROBE, measure_probe
from examples.studies.networks import build_network, hidden_layers
from examples.studies.recipes import Recipe
from examples.studies.tasks import Sources, Task, augmented, make_task

__all__ = ["FORMAT", "train_and_watch"]

FORMAT = 2  # version of a record; records of another version are replaced
_CHUNK = 500  # rows per forward pass


def train_and_watch(recipe: Recipe, sources: Sources) -> dict[str, Any]:
    """Train a network on one thread.

    Returns:
        The record of the run, numbers and strings only: the recipe and what follows from it, and in ``epochs`` one
        entry before training and one after each epoch. An entry has the results of `measure_probe` in ``validation``
        and ``training``, from equally many inputs of both kinds. It also has measures that need labels:
        ``clean_accuracy`` (random cues, true labels), ``validation_accuracy`` and ``validation_loss`` (cues and noise
        as in training), ``train_accuracy``, and ``noise_fitted``, the share of wrongly labelled training examples for
        which the network predicts the wrong label (None if there are none). A run stops when its logits are no longer
        finite, and ``diverged`` is then True.
    """
    start = time.perf_counter()
    task = make_task(recipe, sources)
    torch.manual_seed(recipe.seed)
    network = build_network(recipe, task.train.shape[1:], task.num_classes)
    layers = hidden_layers(network)
    optimizer = _optimizer(recipe, network)
    loss_of = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    record: dict[str, Any] = {
        "format": FORMAT,
        "recipe": recipe.to_state(),
        "family": recipe.family,
        "held_out": recipe.held_out,
        "kind": recipe.kind,
        "layers": list(layers),
        "num_classes": task.num_classes,
        "num_probe": min(NUM_PROBE, len(task.train), len(task.validation)),
        "wrong_labels": (task.labels != task.true_labels).double().mean().item(),
        "diverged": False,
        "epochs": [],
    }
    for epoch in range(recipe.epochs + 1):
        for _ in range(recipe.passes if epoch else 0):
            network.train()
            for rows in torch.randperm(len(task.train)).split(recipe.batch_size):
                inputs = augmented(task.train[rows]) if recipe.augment else task.train[rows]
                loss = loss_of(network(inputs), task.labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        try:
            entry = _measured(network, layers, task, record["num_probe"])
        except ValueError:
            record["diverged"] = True
            break
        record["epochs"].append({"epoch": epoch, "passes": epoch * recipe.passes, **entry})
    record["seconds"] = time.perf_counter() - start
    return record


def _measured(network: nn.Module, layers: dict[str, nn.Module], task: Task, num_probe: int) -> dict[str, Any]:
    network.eval()
    # Both are in random order, so the first rows are a random sample.
    entry: dict[str, Any] = {
        "validation": measure_probe(network, task.validation[:num_probe], layers),
        "training": measure_probe(network, task.train[:num_probe], layers),
    }
    logits = _logits(network, task.validation)
    entry["validation_accuracy"] = _share(logits.argmax(1) == task.noisy_validation_labels)
    entry["validation_loss"] = nn.functional.cross_entropy(logits, task.noisy_validation_labels).item()
    if task.clean is not task.validation:
        logits = _logits(network, task.clean)
    entry["clean_accuracy"] = _share(logits.argmax(1) == task.validation_labels)
    is_fitted = _logits(network, task.train).argmax(1) == task.labels
    is_wrong = task.labels != task.true_labels
    entry["train_accuracy"] = _share(is_fitted)
    entry["noise_fitted"] = _share(is_fitted[is_wrong]) if bool(is_wrong.any()) else None
    return entry


@torch.no_grad()
def _logits(network: nn.Module, inputs: Tensor) -> Tensor:
    return torch.cat([network(rows) for rows in inputs.split(_CHUNK)])


def _share(true: Tensor) -> float:
    return true.double().mean().item()


def _optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    # AdamW decays weights by learning rate times decay. SGD, with its larger rate, would decay them by far more.
    decay = recipe.weight_decay * 1e-2
    return torch.optim.SGD(network.parameters(), lr=recipe.learning_rate, momentum=0.9, weight_decay=decay)
