"""Images kept as bytes, which take a quarter of the memory of float32."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import Dataset

__all__ = ["ByteImages"]


class ByteImages(Dataset[tuple[Tensor, ...]]):
    """A data set of images as float32 between 0 and 1, with their labels if there are any.

    Args:
        images: uint8 ``[images, planes, side, side]``.
        labels: int64 ``[images]``.
    """

    def __init__(self, images: Tensor, labels: Tensor | None = None) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[Tensor, ...]:
        image = self.images[place].to(torch.float32) / 255
        return (image,) if self.labels is None else (image, self.labels[place])
