"""Shuffled MNIST: a share of the training labels is random. Example-level memorization."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from examples.paper.data import PaperData
from examples.paper.experiment import Experiment, Recipe
from examples.paper.label_shuffling import shuffle_labels
from examples.paper.layouts.idx import Digits, read_mnist
from examples.paper.networks.mlp import MLP

__all__ = ["EXPERIMENT", "ShuffledMNIST"]


class ShuffledMNIST(PaperData):
    """The ten digits in gray: every second pixel, ``[1, 14, 14]`` between 0 and 1.

    Each training label is replaced with probability ``level`` by a random one of the ten; see `shuffle_labels`. The
    validation set has true labels at every level, and the probe is its inputs.

    All levels of a seed share the images and all draws.

    Reference:
        "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022) and its released code.
    """

    def build(self) -> None:
        """See `PaperData`."""
        train, held_out = read_mnist(self.data_root)
        self.num_classes = 10
        labels = shuffle_labels(train.digits, self.level, self.num_classes, np.random.default_rng(self.seed))
        self.train_set = TensorDataset(_gray(train), torch.from_numpy(labels))
        self.validation_set = TensorDataset(_gray(held_out), torch.from_numpy(held_out.digits))
        self.probe_set = TensorDataset(_gray(held_out))


def _gray(shown: Digits) -> Tensor:
    return torch.from_numpy(shown.images[:, None, ::2, ::2].astype(np.float32) / 255)


EXPERIMENT = Experiment(
    name="shuffled-mnist",
    title="Shuffled MNIST",
    memorization="example",
    level_name="beta",
    levels=(0.0, 0.25, 0.5, 0.75, 1.0),
    data=ShuffledMNIST,
    network=lambda data: MLP(14 * 14, data.num_classes),
    # With the weight of the released code, 0.002, a network with nearly all labels random ends with only zeros.
    recipe=Recipe(epochs=150, batch_size=512, learning_rate=1e-3),
    nonlinearity=torch.relu,
    needs="the IDX files of MNIST",
)
