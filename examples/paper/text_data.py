"""What the experiments on texts have in common: the draw of the texts, and their encoding."""

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
        """Drawn for training and validation together; None: all there are."""

    @property
    def recipe(self) -> Recipe:
        """Of training."""

    def encoder(self, texts: Sequence[str]) -> Callable[[Sequence[str]], Tensor]:
        """From the training texts to a function from texts to int64 ``[texts, positions]``."""

    def network(self, data: Any) -> nn.Module:
        """From the data to an untrained network."""


class TextData(PaperData):
    """Data of an experiment on texts.

    Args:
        data_root: see `PaperData`.
        level: see `PaperData`.
        seed: see `PaperData`.
        batch_size: see `PaperData`.
        text: how texts are read.

    Attributes:
        encode: from texts to int64 ``[texts, positions]``, after `build`.
        draws: the generator of all that is drawn, the same for all levels.
    """

    num_classes = 2

    def __init__(self, data_root: Path | None, level: float, seed: int, *, batch_size: int, text: TextModel) -> None:
        super().__init__(data_root, level, seed, batch_size=batch_size)
        self.text = text
        self.draws = torch.Generator().manual_seed(seed)

    def split(self, num_texts: int) -> tuple[Tensor, Tensor]:
        """Places of the texts to train on and of those, a fifth, to validate on."""
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
