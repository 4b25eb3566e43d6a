"""Draw the training and evaluation data of a recipe."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, make_classification
from torch import Tensor
from torch.nn.functional import dropout

from examples.benchmarks.images import load_images
from examples.studies.recipes import Recipe
from examples.studies.reviews import NUM_WORDS, load_reviews

__all__ = ["Sources", "Task", "augmented", "make_task", "noisy_labels"]

_NUM_VALIDATION = 1500
_MODULUS = 31
_PATCH = 2  # pixels


@dataclass(frozen=True)
class Sources:
    """Paths of data that do not come with scikit-learn; None if they are not available."""

    mnist: Path | None = None
    reviews: Path | None = None

    def have(self, data: str) -> bool:
        """Whether the data can be loaded."""
        needed = {"mnist": self.mnist, "imdb": self.reviews, "ratings": self.reviews}
        return needed.get(data, Path()) is not None


@dataclass(frozen=True)
class Task:
    """Inputs ``[examples, ...]`` (float images and features, int64 words) and labels ``[examples]`` of one run.

    Attributes:
        train: Training inputs with the cues of the recipe.
        labels: Training labels, noise included.
        true_labels: True labels of the training set.
        validation: Other examples, with cues of the same kind.
        noisy_validation_labels: Validation labels with noise of the same kind.
        clean: The examples of ``validation`` with random cues; the same tensor if there are no cues.
        validation_labels: True labels of the validation set.
        num_classes: Number of classes.
    """

    train: Tensor
    labels: Tensor
    true_labels: Tensor
    validation: Tensor
    noisy_validation_labels: Tensor
    clean: Tensor
    validation_labels: Tensor
    num_classes: int


def make_task(recipe: Recipe, sources: Sources) -> Task:
    """Draw the data of a recipe. Recipes of the same family, seed and size share all draws."""
    inputs, true = _load(recipe.data, recipe.architecture, sources)
    classes, count = int(true.max()) + 1, len(true)
    generator = np.random.default_rng(recipe.seed)
    order = generator.permutation(count)
    labels = noisy_labels(true, recipe, classes, generator)
    random_cues = generator.integers(0, classes, count)
    cues = np.where(generator.random(count) < recipe.cue, labels, random_cues)
    train, validation = order[: recipe.num_train], order[recipe.num_train :][:_NUM_VALIDATION]

    def show(rows: NDArray[np.int64], cues: NDArray[np.int64]) -> Tensor:
        return _show(inputs[rows], cues[rows] if recipe.cue > 0 else None, classes)

    def pick(labels: NDArray[np.int64], rows: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(labels[rows])

    shown = show(validation, cues)
    return Task(
        train=show(train, cues),
        labels=pick(labels, train),
        true_labels=pick(true, train),
        validation=shown,
        noisy_validation_labels=pick(labels, validation),
        clean=shown if recipe.cue == 0 else show(validation, generator.integers(0, classes, count)),
        validation_labels=pick(true, validation),
        num_classes=classes,
    )


def noisy_labels(
    true: NDArray[np.int64], recipe: Recipe, classes: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Replace the share ``recipe.noise`` of the labels; see `Recipe`."""
    is_drawn = generator.random(len(true)) < recipe.noise
    other = generator.integers(0, classes, len(true))
    if recipe.noise_kind == "asymmetric":
        other = (true + 1) % classes
        is_drawn &= (true == 0) | (classes > 2)  # with two classes, noise in both directions would be symmetric
    return np.where(is_drawn, other, true)


def augmented(inputs: Tensor) -> Tensor:
    """Change one training batch at random, with torch's generator, in a way that keeps the labels."""
    if not inputs.is_floating_point():
        kept = torch.rand(inputs.shape) >= 0.1
        kept[:, 0] = True  # no review may be all padding
        return inputs * kept
    if inputs.ndim == 2:
        return dropout(inputs, 0.2)
    shifts = torch.randint(-1, 2, (len(inputs), 2)).tolist()
    return torch.stack([image.roll((down, right), (1, 2)) for image, (down, right) in zip(inputs, shifts, strict=True)])


@functools.cache
def _load(data: str, architecture: str, sources: Sources) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
    """Load all inputs, without cues, and the true labels."""
    if data in ("digits", "mnist"):
        images, digits = load_images(data, sources.mnist)
        return images[:, None], digits
    if data in ("imdb", "ratings"):
        if sources.reviews is None:
            raise ValueError("imdb: the archive of the reviews is required, got None; name it with --imdb.")
        reviews = load_reviews(sources.reviews)
        borders = (7,) if data == "imdb" else (2, 7, 10)
        labels = np.digitize(reviews.ratings, borders)
        if architecture == "transformer":
            return reviews.words.astype(np.int64), labels
        return np.log1p(reviews.counts.astype(np.float32)), labels
    if data == "modular":
        pairs = np.stack(np.divmod(np.arange(_MODULUS**2), _MODULUS), axis=1)
        labels = pairs.sum(1) % _MODULUS
        if architecture == "transformer":
            return pairs + np.array([1, 1 + _MODULUS]), labels  # different words for the two positions
        return np.eye(_MODULUS, dtype=np.float32)[pairs].reshape(len(pairs), -1), labels
    if data == "cancer":
        features, labels = load_breast_cancer(return_X_y=True)
    else:
        features, labels = make_classification(
            5000, 30, n_informative=12, n_redundant=6, n_classes=6, n_clusters_per_class=2, flip_y=0.0, random_state=0
        )
    features = (features - features.mean(0)) / features.std(0)
    return features.astype(np.float32), labels.astype(np.int64)


def _show(inputs: NDArray[np.generic], cues: NDArray[np.int64] | None, classes: int) -> Tensor:
    """Add cues to the inputs: a bright patch at the place of the class, a column per class, or a first word."""
    shown = torch.from_numpy(inputs.copy())
    if cues is None:
        return shown
    cue_labels = torch.from_numpy(cues)
    if not shown.is_floating_point():
        shown[:, 0] = NUM_WORDS + 1 + cue_labels
    elif shown.ndim == 2:
        shown = torch.cat([shown, 3 * torch.nn.functional.one_hot(cue_labels, classes).to(shown.dtype)], dim=1)
    else:
        side = shown.shape[-1]
        for place in range(classes):  # five places in the first rows, five in the last rows
            top, left = (0 if place < 5 else side - _PATCH), (place % 5) * (side - _PATCH) // 4
            shown[cue_labels == place, :, top : top + _PATCH, left : left + _PATCH] = 1.0
    return shown
