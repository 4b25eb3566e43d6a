"""Build the networks of the zoos, also from their checkpoints."""

from __future__ import annotations

from typing import Any

from torch import nn

from examples.benchmarks.images import SIDES
from examples.benchmarks.recipes import Recipe
from examples.small_cnn import small_cnn

__all__ = ["build_network", "network"]


def build_network(recipe: Recipe) -> nn.Module:
    """Build a network for inputs ``[images, planes, side, side]``, with the initial weights of torch."""
    planes, side, width = (2 if recipe.cue == "color" else 1), SIDES[recipe.images], recipe.width
    if recipe.network == "cnn":
        return small_cnn(planes, side, width, recipe.num_classes)
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
    """Rebuild the trained network of a loaded checkpoint; the ``model`` argument of `rank_checkpoints`."""
    model = build_network(Recipe(**checkpoint["hyper_parameters"]))
    model.load_state_dict(checkpoint["state_dict"])
    return model
