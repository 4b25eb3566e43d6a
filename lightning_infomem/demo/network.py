"""The network of the demo."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lightning_infomem._lightning import LightningModule

__all__ = ["DigitsNetwork"]

_ACCURACIES = {1: "clean_accuracy", 2: "validation_accuracy"}  # by the number of the loader


class DigitsNetwork(LightningModule):
    """A multilayer perceptron with three hidden layers of 64 units, and dropout behind the last of them.

    The first validation loader is the unlabelled probe that the monitor samples; the second holds the clean images, the
    third the validation images, whose labels are as wrong as those of training. On both accuracy is measured.
    """

    def __init__(
        self,
        num_inputs: int,
        num_classes: int,
        *,
        optimizer: str,
        learning_rate: float,
        weight_decay: float,
        dropout: float,
        **others: float,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()  # the others too, so that a checkpoint says how it was trained
        self.layers = nn.Sequential(
            nn.Linear(num_inputs, 64),
            nn.ReLU(),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(64, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``[examples, pixels]`` to logits ``[examples, classes]``."""
        logits: Tensor = self.layers(images)
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the cross-entropy with the training labels."""
        images, labels = batch
        loss = nn.functional.cross_entropy(self(images), labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int, dataloader_idx: int = 0) -> None:
        """Log the accuracy on labelled images; the probe only passes through the network."""
        logits = self(batch[0])
        if dataloader_idx > 0:
            accuracy = (logits.argmax(1) == batch[1]).float().mean()
            self.log(_ACCURACIES[dataloader_idx], accuracy, batch_size=len(logits), add_dataloader_idx=False)

    def configure_optimizers(self) -> Any:
        """Return Adam, or stochastic gradient descent with momentum."""
        settings = {"lr": self.hparams["learning_rate"], "weight_decay": self.hparams["weight_decay"]}
        if self.hparams["optimizer"] == "sgd":
            return torch.optim.SGD(self.parameters(), momentum=0.9, **settings)
        return torch.optim.Adam(self.parameters(), **settings)
