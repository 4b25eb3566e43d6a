"""What one experiment of the paper is: data at several levels, a network, a recipe, and how it is judged."""

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
    """How the network is trained; plain values, which stand in its record.

    Attributes:
        epochs: through the training set.
        batch_size: in examples.
        learning_rate: constant.
        optimizer: "adam", "adamw" or "rmsprop".
        weight_decay: of the optimizer.
        l2_weight: of the sum of squares of all parameters, added to the loss (as the paper does, and no weight decay).
        warmup_steps: over which the learning rate rises from zero.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: Literal["adam", "adamw", "rmsprop"] = "adam"
    weight_decay: float = 0.0
    l2_weight: float = 0.0
    warmup_steps: int = 0

    def to_state(self) -> dict[str, Any]:
        """The fields, for a record."""
        return asdict(self)


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        name: of the experiment and its records.
        title: as people write it.
        memorization: what the level is a level of: "heuristic" (a shortcut) or "example" (random labels).
        level_name: "alpha", "beta" or what the levels are.
        levels: what networks are trained at; for levels without order their places, named by ``level_labels``.
        data: ``(data_root, level, seed, batch_size=...)`` -> the data of one network; raises one clear error where
            ``data_root`` does not hold them.
        network: data, after its ``setup`` -> an untrained network, whose weights torch draws.
        recipe: of training.
        layers: what is measured, see `sampling.layers.select_layers`; the values before the nonlinearity.
        pooling: of its positions, see `MeasurementSettings`.
        nonlinearity: from the measured values to activations, where the network applies one to just them.
        judge: network and data -> extrinsic metrics by name; by default the accuracy on ``data.validation_set``.
        needs: what must lie in ``data_root``, in a line; empty where nothing must.
        level_labels: names of the levels, for tables; empty where the numbers are the names.
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
        """The data of one network, read and drawn."""
        data = self.data(data_root, level, seed, batch_size=self.recipe.batch_size)
        data.setup("fit")
        return data

    def make_network(self, data: PaperData, seed: int) -> nn.Module:
        """An untrained network; the same for all levels of a seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.network(data)
