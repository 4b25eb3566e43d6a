"""Train and evaluate the networks of all experiments with one LightningModule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from torch.utils.data import DataLoader

from examples.paper.experiment import Recipe

__all__ = ["Classifier", "accuracy", "predictions", "run_network"]

_OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "rmsprop": torch.optim.RMSprop}


class Classifier(LightningModule):
    """Train with cross-entropy and a recipe. For two classes a network may return a single logit.

    Args:
        network: Module from inputs to logits.
        recipe: Training recipe.
    """

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.network, self.recipe = network, recipe

    def forward(self, inputs: Any) -> Tensor:
        """Return logits ``[examples, classes]`` or ``[examples, 1]``."""
        return run_network(self.network, inputs)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the cross-entropy plus the penalty on large weights."""
        inputs, labels = batch
        logits = self(inputs)
        if logits.shape[1] == 1:
            loss = binary_cross_entropy_with_logits(logits[:, 0], labels.to(logits.dtype))
        else:
            loss = cross_entropy(logits, labels)
        if self.recipe.l2_weight > 0:
            loss = loss + self.recipe.l2_weight * sum(each.square().sum() for each in self.network.parameters())
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Run the network on the inputs, for callbacks that watch it."""
        self(batch[0])

    def configure_optimizers(self) -> Any:
        """Make the optimizer of the recipe, with a constant rate after its warm-up."""
        recipe = self.recipe
        kind = _OPTIMIZERS[recipe.optimizer]
        optimizer = kind(self.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        if recipe.warmup_steps == 0:
            return optimizer
        rising = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / recipe.warmup_steps, 1.0, recipe.warmup_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rising, "interval": "step"}}


def run_network(network: nn.Module, inputs: Any) -> Tensor:
    """Return logits; the entries of a mapping are passed by name."""
    return network(**inputs) if isinstance(inputs, Mapping) else network(inputs)


@torch.no_grad()
def predictions(network: nn.Module, batches: DataLoader[Any]) -> tuple[Tensor, Tensor]:
    """Return predicted classes and labels, int64 ``[examples]`` each, of a network in evaluation mode."""
    network.eval()
    device = next(network.parameters()).device
    predicted, labels = [], []
    for inputs, given in batches:
        moved = {name: part.to(device) for name, part in inputs.items()} if isinstance(inputs, Mapping) else None
        logits = run_network(network, inputs.to(device) if moved is None else moved)
        predicted.append((logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1))
        labels.append(given)
    return torch.cat(predicted).cpu(), torch.cat(labels).cpu()


def accuracy(network: nn.Module, batches: DataLoader[Any]) -> float:
    """Return the share of correctly predicted labels."""
    predicted, labels = predictions(network, batches)
    return (predicted == labels).double().mean().item()
