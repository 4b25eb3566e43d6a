"""The digits of scikit-learn, 8 x 8, which need no download, and a small network for them."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

__all__ = ["digits", "perceptron"]

_HELD_OUT = 797  # of 1797 images


def digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Images ``[samples, 64]`` from 0 to 1 and classes: 1,000 to train on and 797 held out, the same each time."""
    found = load_digits()
    images, classes = torch.tensor(found.data, dtype=torch.float32) / 16, torch.tensor(found.target)
    order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(0))
    known, unseen = order[_HELD_OUT:], order[:_HELD_OUT]
    return (images[known], classes[known]), (images[unseen], classes[unseen])


def perceptron(width: int, num_classes: int = 10) -> nn.Module:
    """One hidden layer."""
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, num_classes))
