"""Small data and networks that the tests of model information train."""

from __future__ import annotations

import torch
from torch import nn

from tests.networks import Classifier, UnifiedClassifier

CLASSES = 3
QUICK = {"blocks": (10, 30, 100), "max_epochs": 5, "learning_rate": 0.05, "progress": False}


def separable(count=100, seed=0):
    """Inputs and labels that a small network learns: which of three of six inputs is the highest."""
    inputs = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))
    return inputs, inputs[:, :CLASSES].argmax(1)


def network(seed=0, hidden=8):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(6, hidden), nn.Tanh(), nn.Linear(hidden, CLASSES))


class ByAdam:
    """Trained as `Learner` trains bare modules."""

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), QUICK["learning_rate"])


class AdamClassifier(ByAdam, Classifier):
    """Of one package."""


class UnifiedAdamClassifier(ByAdam, UnifiedClassifier):
    """Of the other."""


class Constant(nn.Module):
    """Gives the same scores whatever comes, and learns nothing."""

    def __init__(self, *scores):
        super().__init__()
        self.register_buffer("scores", torch.tensor(scores))

    def forward(self, inputs):
        return self.scores.expand(len(inputs), -1)


def states(*models):
    """Copies of all weights, to be compared."""
    return [{name: value.clone() for name, value in model.state_dict().items()} for model in models]


def same(one, other):
    return all(all(map(torch.equal, a.values(), b.values())) for a, b in zip(one, other, strict=True))
