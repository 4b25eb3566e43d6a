"""The base class of the data modules of all experiments."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Sampler, SequentialSampler, TensorDataset

__all__ = ["PaperData"]


class PaperData(LightningDataModule):
    """The data of one network: training set, validation set, and the probe on which its units are measured.

    A subclass sets the four attributes in `build`, from ``data_root``, ``level`` and ``seed`` only. Every draw comes
    from a private generator, and levels of the same seed share all draws that they can.

    Args:
        data_root: Folder of data sets in their published layouts; None if none is needed.
        level: Strength of what makes the network memorize.
        seed: Seed of splits, labels and order.
        batch_size: Training batch size.

    Attributes:
        train_set: ``(inputs, label)`` for each training example. Inputs are a tensor, or a mapping of names to tensors.
        validation_set: ``(inputs, label)`` of held-out examples without the shortcuts of training; the paper calls the
            accuracy on it generalisation. Labels are true, except those that Colored MNIST flips everywhere.
        probe_set: Inputs without labels, ``(inputs,)`` each, always in the same order and the same for all levels.
        num_classes: Number of classes.
    """

    train_set: Dataset[Any]
    validation_set: Dataset[Any]
    probe_set: Dataset[Any]
    num_classes: int

    def __init__(self, data_root: Path | None, level: float, seed: int, *, batch_size: int) -> None:
        super().__init__()
        self.data_root, self.level, self.seed, self.batch_size = data_root, level, seed, batch_size

    @abstractmethod
    def build(self) -> None:
        """Read and draw the data, and set the attributes."""

    def setup(self, stage: str) -> None:
        """Build the data once."""
        if not hasattr(self, "train_set"):
            self.build()

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the training set, shuffled by a private generator."""
        return self._batches(self.train_set, RandomSampler(self.train_set, generator=self._order()))

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the validation set, in order."""
        return self._batches(self.validation_set, SequentialSampler(self.validation_set))

    def probe_dataloader(self) -> DataLoader[Any]:
        """Return the probe, in order."""
        return self._batches(self.probe_set, SequentialSampler(self.probe_set))

    def _order(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)

    def _batches(self, examples: Dataset[Any], order: Sampler[int]) -> DataLoader[Any]:
        if isinstance(examples, TensorDataset):  # which returns a whole batch at once
            return DataLoader(examples, batch_size=None, sampler=BatchSampler(order, self.batch_size, drop_last=False))
        return DataLoader(examples, self.batch_size, sampler=order)
