"""Two ways to make a network memorize, using the handwritten digits of scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor
from torch.utils.data import TensorDataset

__all__ = ["LEVELS", "DigitsTask", "colored_digits", "shuffled_digits"]

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
_NUM_TRAIN = 1197  # of 1,797 images; the other 600 are held out


@dataclass(frozen=True)
class DigitsTask:
    """Data for one network.

    Attributes:
        train: Training images with the labels that make the network memorize.
        probe: Held-out images without labels, the same for all levels of one seed.
        clean: Held-out images with true labels, for the accuracy reported next to the ranking.
        validation: Held-out images with labels as wrong as those of training, such as one usually has to choose by.
        num_classes: Number of classes.
    """

    train: TensorDataset
    probe: Tensor
    clean: TensorDataset
    validation: TensorDataset
    num_classes: int


def colored_digits(level: float, seed: int) -> DigitsTask:
    """Make a task with a shortcut: the colour of an image predicts its label better than its shape does.

    As in Colored MNIST, the label says whether the digit is below five and is flipped in a quarter of the images; the
    colour equals the label, flipped with probability ``(1 - level) / 2``. The unlabelled probe images mix the colours
    of all levels in equal parts. The clean images have random colours.

    Args:
        level: Strength of the shortcut, from 0 (colour carries no information) to 1 (colour equals the label).
        seed: Seed of the split, labels and colours; all levels of one seed share all draws.
    """
    generator, images, digits, train, held_out = _split(seed)
    count = len(images)
    true = (digits < 5).astype(np.int64)
    label = np.where(generator.random(count) < 0.25, 1 - true, true)
    flip = generator.random(count)
    random_color = generator.integers(0, 2, count)
    source = np.asarray(LEVELS)[generator.integers(0, len(LEVELS), count)]

    def color(strength: float | NDArray[np.float64]) -> NDArray[np.int64]:
        return np.where(flip < (1 - strength) / 2, 1 - label, label)

    return DigitsTask(
        train=_dataset(_colored(images, color(level)), label, train),
        probe=_colored(images, color(source))[held_out],
        clean=_dataset(_colored(images, random_color), true, held_out),
        validation=_dataset(_colored(images, color(level)), label, held_out),
        num_classes=2,
    )


def shuffled_digits(level: float, seed: int) -> DigitsTask:
    """Make a task with label noise: some training labels are random, so that the network must memorize examples.

    The probe and the clean images are the same, in the same order.

    Args:
        level: Share of the training labels to redraw at random, 0 to 1.
        seed: Seed of the split and labels; all levels of one seed share all draws.
    """
    generator, images, digits, train, held_out = _split(seed)
    label = np.where(generator.random(len(images)) < level, generator.integers(0, 10, len(images)), digits)
    flat = torch.from_numpy(images)
    return DigitsTask(
        train=_dataset(flat, label, train),
        probe=flat[held_out],
        clean=_dataset(flat, digits, held_out),
        validation=_dataset(flat, label, held_out),
        num_classes=10,
    )


def _split(
    seed: int,
) -> tuple[np.random.Generator, NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    images, digits = load_digits(return_X_y=True)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(images))
    return generator, (images / 16).astype(np.float32), digits, order[:_NUM_TRAIN], order[_NUM_TRAIN:]


def _colored(images: NDArray[np.float32], color: NDArray[np.int64]) -> Tensor:
    """Put each image into one of two colour planes, with zeros in the other: ``[images, 2 * pixels]``."""
    planes = np.zeros((len(images), 2, images.shape[1]), dtype=np.float32)
    planes[np.arange(len(images)), color] = images
    return torch.from_numpy(planes.reshape(len(images), -1))


def _dataset(images: Tensor, labels: NDArray[np.int64], rows: NDArray[np.int64]) -> TensorDataset:
    return TensorDataset(images[rows], torch.from_numpy(labels[rows]))
