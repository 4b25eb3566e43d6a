"""Colored MNIST: the colour of a digit reveals its noisy label more or less often. Heuristic memorization."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from examples.paper.data import PaperData
from examples.paper.experiment import Experiment, Recipe
from examples.paper.layouts.idx import Digits, read_mnist
from examples.paper.networks.mlp import MLP

__all__ = ["EXPERIMENT", "ColoredMNIST"]

_FLIPPED = 0.25  # share of flipped labels, so that a strong colour cue predicts better than the shape


class ColoredMNIST(PaperData):
    """Digits below 5 against the others, in one of two colours.

    Every second pixel is kept, ``[2, 14, 14]`` between 0 and 1, in one of two colour planes; the other is zero. The
    label, ``digit < 5``, is flipped with probability 1/4. The colour is this label, flipped with probability
    ``(1 - level) / 2``: at level 0 it carries no information, at level 1 it is the label.

    In the validation set the colour carries no information at any level. Labels are flipped as in training, as in the
    released code: a network that knows the digits has an accuracy of 3/4. The probe is its inputs.

    All levels of a seed share the images, the flips, and the random numbers behind the colours.

    Reference:
        Arjovsky et al.: Invariant Risk Minimization (2019); "Measures of Information Reflect Memorization Patterns"
        (NeurIPS 2022) and its released code.
    """

    def build(self) -> None:
        """See `PaperData`."""
        train, held_out = read_mnist(self.data_root)
        generator = np.random.default_rng(self.seed)
        # Held-out images come first, so that their draws do not depend on the others.
        inputs, labels = _colored(held_out, 0.5, generator)
        self.validation_set = TensorDataset(inputs, labels)
        self.probe_set = TensorDataset(inputs)
        self.train_set = TensorDataset(*_colored(train, (1 - self.level) / 2, generator))
        self.num_classes = 2


def _colored(shown: Digits, color_flipped: float, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Make inputs ``[images, 2, 14, 14]`` and labels ``[images]``."""
    count = len(shown.digits)
    labels = (shown.digits < 5) ^ (generator.random(count) < _FLIPPED)
    colors = labels ^ (generator.random(count) < color_flipped)
    small = shown.images[:, ::2, ::2].astype(np.float32) / 255
    planes = np.zeros((count, 2, *small.shape[1:]), np.float32)
    planes[np.arange(count), colors.astype(np.int64)] = small
    return torch.from_numpy(planes), torch.from_numpy(labels.astype(np.int64))


EXPERIMENT = Experiment(
    name="colored-mnist",
    title="Colored MNIST",
    memorization="heuristic",
    level_name="alpha",
    levels=(0.0, 0.25, 0.5, 0.75, 1.0),
    data=ColoredMNIST,
    network=lambda data: MLP(2 * 14 * 14, 1),
    # The released code trains for 500 epochs on 50,000 images.
    recipe=Recipe(epochs=150, batch_size=512, learning_rate=1e-3, l2_weight=0.002),
    nonlinearity=torch.relu,
    needs="the IDX files of MNIST",
)
