"""The network of the demo."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lightning_infomem._lightning import LightningModule

__all__ = ["DigitsNetwork"]


class DigitsNetwork(LightningModule):
    """A multilayer perceptron with three hidden layers of 64 units.

    The first validation loader is the unlabelled probe that the monitor samples; the second holds the clean images,
    on which accuracy is measured.
    """

    def __init__(self, num_inputs: int, num_classes: int, learning_rate: float = 1e-3) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        self.save_hyperparameters()
        self.layers = nn.Sequential(
            nn.Linear(num_inputs, 64),
            nn.ReLU(),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Linear(64, 64),
            nn.ReLU(),
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
        """Log the accuracy on the clean images; the probe only passes through the network."""
        logits = self(batch[0])
        if dataloader_idx == 1:
            accuracy = (logits.argmax(1) == batch[1]).float().mean()
            self.log("clean_accuracy", accuracy, batch_size=len(logits), add_dataloader_idx=False)

    def configure_optimizers(self) -> Any:
        """Return Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate)
