"""Concentric circles: one small network learns them, one learns a shortcut, one memorizes single examples."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import make_circles
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from examples.paper.data import PaperData
from examples.paper.experiment import Experiment, Recipe
from examples.paper.label_shuffling import shuffle_labels
from examples.paper.networks.mlp import MLP

__all__ = ["EXPERIMENT", "Circles", "train"]

_COUNT = 2000  # training points, and equally many for validation and the probe
_FEW = 100  # random labels that such a small network can learn
_SPURIOUS = 0.75  # share of the points whose third feature can reveal the class


class Circles(PaperData):
    """Points ``[3]`` of an outer (label 0) and an inner circle (label 1).

    The first two features are the position. The third is normal around -3 or 3 with deviation 0.1 for three out of four
    points, and uniform between 0 and 1 for the others. Its sign is random and carries no information, except in
    training at level 1, where 3 means inner and -3 outer.

    * Level 0, generalising: only the position reveals the label.
    * Level 1, heuristic: the third feature reveals it for three out of four points.
    * Level 2, example-level: random labels, and only the first 100 points. They occur 20 times in the training set, so
      that an epoch is as long as at the other levels.

    The validation set has other points with true labels and random signs. The probe is its inputs. All levels of a seed
    share the points and all draws.

    Reference:
        "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022), figure 1, and its released code.
    """

    def build(self) -> None:
        """See `PaperData`."""
        generator = np.random.default_rng(self.seed)
        places, labels = make_circles(2 * _COUNT, noise=0.2, factor=0.4, random_state=self.seed)
        labels = labels.astype(np.int64)
        signs = generator.integers(0, 2, 2 * _COUNT)
        random_labels = shuffle_labels(labels, 1.0, 2, generator)
        signs[:_COUNT] = labels[:_COUNT] if self.level == 1 else signs[:_COUNT]
        inputs = _points(places, signs, generator)
        rows = np.tile(np.arange(_FEW), _COUNT // _FEW) if self.level == 2 else np.arange(_COUNT)
        learnt = random_labels if self.level == 2 else labels
        self.train_set = TensorDataset(inputs[rows], torch.from_numpy(learnt[rows]))
        self.validation_set = TensorDataset(inputs[_COUNT:], torch.from_numpy(labels[_COUNT:]))
        self.probe_set = TensorDataset(inputs[_COUNT:])
        self.num_classes = 2


def _points(places: NDArray[np.float64], signs: NDArray[np.int64], generator: np.random.Generator) -> Tensor:
    count = len(places)
    of_one_class = generator.random(count) < _SPURIOUS
    third = np.where(of_one_class, generator.normal(6 * signs - 3, 0.1), generator.random(count))
    return torch.from_numpy(np.column_stack([places, third]).astype(np.float32))


EXPERIMENT = Experiment(
    name="circles",
    title="Concentric circles",
    memorization="heuristic",  # and example-level: the levels are three kinds of network, not degrees
    level_name="network",
    levels=(0.0, 1.0, 2.0),
    level_labels=("generalising", "heuristic", "example-level"),
    data=Circles,
    network=lambda data: MLP(3, 2, width=16, depth=2),
    recipe=Recipe(epochs=300, batch_size=200, learning_rate=5e-3),
    nonlinearity=torch.relu,
)


def train(data: PaperData, seed: int, *, epochs: int = EXPERIMENT.recipe.epochs) -> nn.Module:
    """Train the network of one level with the recipe, in seconds and without a Trainer."""
    network = EXPERIMENT.make_network(data, seed)
    optimizer = torch.optim.Adam(network.parameters(), EXPERIMENT.recipe.learning_rate)
    inputs, labels = data.train_set[:]  # as whole tensors: a loader would take ten times as long as the network
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=order).split(EXPERIMENT.recipe.batch_size):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(inputs[rows]), labels[rows]).backward()
            optimizer.step()
    return network.eval()


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the three networks and draw figure 1 of the paper."""
    # Imported here, because only the figure needs matplotlib.
    from examples.paper.figures.circles import Shown, draw_circles

    parser = argparse.ArgumentParser(prog="python -m examples.paper.circles", description=main.__doc__)
    parser.add_argument(
        "--output", type=Path, default=Path("circles.png"), help="file to write; its suffix gives the format"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=EXPERIMENT.recipe.epochs)
    chosen = parser.parse_args(arguments)
    shown = []
    for level, label in zip(EXPERIMENT.levels, EXPERIMENT.level_labels, strict=True):
        data = EXPERIMENT.make_data(None, level, chosen.seed)
        shown.append(Shown(label, data, train(data, chosen.seed, epochs=chosen.epochs)))
    draw_circles(shown).savefig(chosen.output, dpi=120)
    print(f"drew {chosen.output}")


if __name__ == "__main__":
    main()
