"""The small convolutional network of several studies."""

from __future__ import annotations

from torch import nn

__all__ = ["small_cnn"]


def small_cnn(planes: int, side: int, width: int, num_classes: int, *, dropout: float | None = None) -> nn.Sequential:
    """Build two convolutions and one hidden layer for images ``[examples, planes, side, side]``.

    Args:
        planes: Number of planes of an image.
        side: Number of pixels along its side, at least 4.
        width: Number of units in the hidden layer.
        num_classes: Number of logits.
        dropout: Probability of dropping a hidden unit; with None there is no such module.
    """
    return nn.Sequential(
        nn.Conv2d(planes, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * (side // 4) ** 2, width),
        nn.ReLU(),
        *([] if dropout is None else [nn.Dropout(dropout)]),
        nn.Linear(width, num_classes),
    )
