"""The 8 x 8 digits of scikit-learn, which need no download, and a small network for them."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

__all__ = ["digits", "perceptron"]

_HELD_OUT = 797  # out of 1797 images


def digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return images ``[samples, 64]`` from 0 to 1 with classes: 1,000 for training and 797 held out, a fixed split."""
    found = load_digits()
    images, classes = torch.tensor(found.data, dtype=torch.float32) / 16, torch.tensor(found.target)
    order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(0))
    known, unseen = order[_HELD_OUT:], order[:_HELD_OUT]
    return (images[known], classes[known]), (images[unseen], classes[unseen])


def perceptron(width: int, num_classes: int = 10) -> nn.Module:
    """Return a perceptron with one hidden layer."""
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, num_classes))
