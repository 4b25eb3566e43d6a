"""Small tasks of four classes, and the settings with which they are learnt in a moment."""

from __future__ import annotations

import torch
from torch import nn

SETTINGS = {"max_epochs": 8, "blocks": (10, 30, 100), "learning_rate": 0.03, "batch_size": 50, "progress": False}
_INPUTS = 20


def clusters(count: int = 240, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Clouds about four corners, one a class; most inputs tell nothing, so that few samples do not suffice."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 4
    return torch.randn(count, _INPUTS, generator=generator) + 3 * torch.eye(4, _INPUTS)[labels], labels


def unrelated(count: int = 240, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """The same inputs with labels that are drawn."""
    inputs, labels = clusters(count, seed=seed)
    return inputs, labels[torch.randperm(count, generator=torch.Generator().manual_seed(seed + 100))]


def make_model() -> nn.Module:
    return nn.Sequential(nn.Linear(_INPUTS, 16), nn.ReLU(), nn.Linear(16, 4))
