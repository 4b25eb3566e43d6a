"""The base class of the experiments on texts: drawing the texts, and encoding them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from examples.paper.data import PaperData
from examples.paper.experiment import Recipe

__all__ = ["TextData", "TextModel"]

_VALIDATION_SHARE = 0.2


class TextModel(Protocol):
    """How texts are read, and by which network."""

    @property
    def max_texts(self) -> int | None:
        """Number of texts drawn for training and validation together; None for all."""

    @property
    def recipe(self) -> Recipe:
        """Training recipe."""

    def encoder(self, texts: Sequence[str]) -> Callable[[Sequence[str]], Tensor]:
        """Make, from the training texts, a function from texts to int64 ``[texts, positions]``."""

    def network(self, data: Any) -> nn.Module:
        """Make an untrained network for the data."""


class TextData(PaperData):
    """Data of an experiment on texts.

    Args:
        data_root: See `PaperData`.
        level: See `PaperData`.
        seed: See `PaperData`.
        batch_size: See `PaperData`.
        text: How texts are read.

    Attributes:
        encode: Function from texts to int64 ``[texts, positions]``, after `build`.
        draws: Generator of all random draws, the same for all levels.
    """

    num_classes = 2

    def __init__(self, data_root: Path | None, level: float, seed: int, *, batch_size: int, text: TextModel) -> None:
        super().__init__(data_root, level, seed, batch_size=batch_size)
        self.text = text
        self.draws = torch.Generator().manual_seed(seed)

    def split(self, num_texts: int) -> tuple[Tensor, Tensor]:
        """Return indices of the training texts, and of a fifth of the texts for validation."""
        drawn = torch.randperm(num_texts, generator=self.draws)[: self.text.max_texts]
        num_validation = round(_VALIDATION_SHARE * len(drawn))
        return drawn[num_validation:], drawn[:num_validation]

    def fill(
        self, training: Sequence[str], labels: Tensor, validation: Sequence[str], validation_labels: Tensor
    ) -> None:
        """Encode the texts and set the attributes of `PaperData`."""
        self.encode = self.text.encoder(training)
        inputs, held_out = self.encode(training), self.encode(validation)
        self.train_set = TensorDataset(inputs, labels)
        self.validation_set = TensorDataset(held_out, validation_labels)
        self.probe_set = TensorDataset(held_out)
