"""An experiment of the paper: data at several levels, a network, a recipe, and metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from examples.paper.data import PaperData

__all__ = ["Experiment", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """How the network is trained, as plain values that are stored in its record.

    Attributes:
        epochs: Number of passes through the training set.
        batch_size: Number of examples per batch.
        learning_rate: Constant learning rate.
        optimizer: "adam", "adamw" or "rmsprop".
        weight_decay: Weight decay of the optimizer.
        l2_weight: Factor of the sum of squares of all parameters in the loss (the paper uses this, not weight decay).
        warmup_steps: Number of steps over which the learning rate rises from zero.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: Literal["adam", "adamw", "rmsprop"] = "adam"
    weight_decay: float = 0.0
    l2_weight: float = 0.0
    warmup_steps: int = 0

    def to_state(self) -> dict[str, Any]:
        """Return the fields, for a record."""
        return asdict(self)


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        name: Name of the experiment and its records.
        title: Title for people.
        memorization: What the level controls: "heuristic" (a shortcut) or "example" (random labels).
        level_name: "alpha", "beta" or another name of the level.
        levels: Levels of the trained networks. Levels without an order are numbered and named by ``level_labels``.
        data: Function ``(data_root, level, seed, batch_size=...)`` -> data of one network. It raises one clear error if
            ``data_root`` does not contain them.
        network: Function from the data, after ``setup``, to an untrained network with the initial weights of torch.
        recipe: Training recipe.
        layers: Measured layers, before the nonlinearity; see `sampling.reading.NetworkReader`.
        pooling: Pooling of positions; see `MeasurementSettings`.
        nonlinearity: Function from the measured values to activations, if the network applies one directly to them.
        judge: Function from network and data to extrinsic metrics by name. By default the accuracy on
            ``data.validation_set``.
        needs: One line about what ``data_root`` must contain; empty if nothing.
        level_labels: Names of the levels in tables; empty if the numbers are used.
    """

    name: str
    title: str
    memorization: Literal["heuristic", "example"]
    level_name: str
    levels: Sequence[float]
    data: Callable[..., PaperData]
    network: Callable[[PaperData], nn.Module]
    recipe: Recipe
    layers: str | Sequence[str] = "auto"
    pooling: str = "mean"
    nonlinearity: Callable[[Tensor], Tensor] | None = None
    judge: Callable[[nn.Module, PaperData], dict[str, float]] | None = None
    needs: str = ""
    level_labels: Sequence[str] = ()

    def make_data(self, data_root: Path | None, level: float, seed: int) -> PaperData:
        """Read and draw the data of one network."""
        data = self.data(data_root, level, seed, batch_size=self.recipe.batch_size)
        data.setup("fit")
        return data

    def make_network(self, data: PaperData, seed: int) -> nn.Module:
        """Make an untrained network, the same for all levels of a seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.network(data)
