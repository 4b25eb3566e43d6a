"""What every data module of the experiments has in common."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Sampler, SequentialSampler, TensorDataset

__all__ = ["PaperData"]


class PaperData(LightningDataModule):
    """The data of one network: what it learns, what it is judged on, and the inputs its units are measured on.

    A subclass fills the four attributes in `build`, from ``data_root``, ``level`` and ``seed`` alone: every draw comes
    from a private generator, and levels of one seed share all draws that they can.

    Args:
        data_root: folder in which data sets lie in their published layouts; None where none is needed.
        level: how strong what makes the network memorize is.
        seed: of splits, labels and order.
        batch_size: of training.

    Attributes:
        train_set: ``(inputs, label)`` for each training example. Inputs are a tensor, or a mapping of names to tensors.
        validation_set: ``(inputs, label)`` of held-out examples, on which nothing tells the label that told it in
            training alone: its accuracy is what the paper calls generalisation. Labels are true, but for those that
            Colored MNIST flips throughout.
        probe_set: inputs without labels, ``(inputs,)`` each, always in one order and the same for all levels.
        num_classes: of the labels.
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
        """Shuffled by a generator of its own."""
        return self._batches(self.train_set, RandomSampler(self.train_set, generator=self._order()))

    def val_dataloader(self) -> DataLoader[Any]:
        """The validation set, in order."""
        return self._batches(self.validation_set, SequentialSampler(self.validation_set))

    def probe_dataloader(self) -> DataLoader[Any]:
        """The inputs to measure on, in order."""
        return self._batches(self.probe_set, SequentialSampler(self.probe_set))

    def _order(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)

    def _batches(self, examples: Dataset[Any], order: Sampler[int]) -> DataLoader[Any]:
        if isinstance(examples, TensorDataset):  # which gives a whole batch at once
            return DataLoader(examples, batch_size=None, sampler=BatchSampler(order, self.batch_size, drop_last=False))
        return DataLoader(examples, self.batch_size, sampler=order)
