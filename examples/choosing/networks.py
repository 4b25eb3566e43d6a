"""Build the networks of the sweeps, also from their checkpoints."""

from __future__ import annotations

from typing import Any

from torch import nn

from examples.choosing.sweeps import Recipe
from examples.small_cnn import small_cnn

__all__ = ["build_network", "network"]


def build_network(recipe: Recipe) -> nn.Module:
    """Build a network with the initial weights of torch.

    Inputs of size ``n`` are float ``[examples, n]`` and get two hidden layers; images, of size ``(planes, side)``, are
    ``[examples, planes, side, side]`` and get two convolutions and one hidden layer.
    """
    width = recipe.width
    if isinstance(recipe.input_size, int):
        return nn.Sequential(
            nn.Linear(recipe.input_size, width),
            nn.ReLU(),
            nn.Dropout(recipe.dropout),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(recipe.dropout),
            nn.Linear(width, recipe.num_classes),
        )
    planes, side = recipe.input_size
    return small_cnn(planes, side, width, recipe.num_classes, dropout=recipe.dropout)


def network(checkpoint: dict[str, Any]) -> nn.Module:
    """Rebuild the trained network of a loaded checkpoint; the ``model`` argument of `rank_checkpoints`."""
    model = build_network(Recipe(**checkpoint["hyper_parameters"]))
    model.load_state_dict(checkpoint["state_dict"])
    return model.eval()
