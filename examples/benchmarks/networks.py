"""The networks of the zoos, and how to rebuild one from its checkpoint."""

from __future__ import annotations

from typing import Any

from torch import nn

from examples.benchmarks.images import SIDES
from examples.benchmarks.recipes import Recipe

__all__ = ["build_network", "network"]


def build_network(recipe: Recipe) -> nn.Module:
    """A network for inputs ``[images, planes, side, side]``, its weights as torch draws them."""
    planes, side, width = (2 if recipe.cue == "color" else 1), SIDES[recipe.images], recipe.width
    if recipe.network == "cnn":
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
            nn.Linear(width, recipe.num_classes),
        )
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(planes * side**2, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, recipe.num_classes),
    )


def network(checkpoint: dict[str, Any]) -> nn.Module:
    """The trained network of a loaded checkpoint; what `rank_checkpoints` takes as ``model``."""
    model = build_network(Recipe(**checkpoint["hyper_parameters"]))
    model.load_state_dict(checkpoint["state_dict"])
    return model
