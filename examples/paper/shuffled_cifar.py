"""Shuffled CIFAR-100: a share of the training labels is random. Example-level memorization."""

from __future__ import annotations

import numpy as np
import torch

from examples.paper.byte_images import ByteImages
from examples.paper.data import PaperData
from examples.paper.experiment import Experiment, Recipe
from examples.paper.label_shuffling import shuffle_labels
from examples.paper.layouts.cifar import read_cifar100
from examples.paper.networks.resnet import STAGES, ResNet18

__all__ = ["EXPERIMENT", "ShuffledCIFAR100"]


class ShuffledCIFAR100(PaperData):
    """A hundred classes of images ``[3, 32, 32]`` between 0 and 1.

    Each training label is replaced with probability ``level`` by a random one of the hundred; see `shuffle_labels`. The
    validation set is the test set of CIFAR-100 with true labels at every level, and the probe is its inputs.

    All levels of a seed share all draws.

    Reference:
        "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022) and its released code, which scrambles
        the pixels of each image (it reshapes ``[32, 32, 3]`` to ``[3, 32, 32]``); here they stay in place.
    """

    def build(self) -> None:
        """See `PaperData`."""
        train, held_out = read_cifar100(self.data_root)
        self.num_classes = 100
        labels = shuffle_labels(train.labels, self.level, self.num_classes, np.random.default_rng(self.seed))
        shown = torch.from_numpy(held_out.images)
        self.train_set = ByteImages(torch.from_numpy(train.images), torch.from_numpy(labels))
        self.validation_set = ByteImages(shown, torch.from_numpy(held_out.labels))
        self.probe_set = ByteImages(shown)


EXPERIMENT = Experiment(
    name="shuffled-cifar",
    title="Shuffled CIFAR-100",
    memorization="example",
    level_name="beta",
    levels=(0.0, 0.25, 0.5, 0.75, 1.0),
    data=ShuffledCIFAR100,
    network=lambda data: ResNet18(data.num_classes, image_side=32),
    recipe=Recipe(epochs=50, batch_size=64, learning_rate=0.005, optimizer="rmsprop"),
    layers=STAGES,
    needs="the python version of CIFAR-100",
)
