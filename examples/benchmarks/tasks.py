"""Draw the data of a recipe (training, validation and clean test sets) and the probe of a zoo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from examples.benchmarks.images import load_images
from examples.benchmarks.recipes import Recipe, Zoo

__all__ = ["Task", "make_task", "probe"]

_NUM_PROBE = {"digits": 600, "mnist": 1000}
_PROBE_SEED = 2022  # decides which images are reserved for the probe, for all recipes
_PATCH = 2  # pixels


@dataclass(frozen=True)
class Task:
    """Inputs ``[images, planes, side, side]`` and labels ``[images]`` for one network.

    Attributes:
        train: Training images, with the cues and labels of the recipe.
        validation: Held-out images, with cues and labels of the same kind as in training.
        clean: The held-out images with random cues and true labels.
    """

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    clean: tuple[Tensor, Tensor]


def make_task(recipe: Recipe, mnist: Path | None) -> Task:
    """Draw the data of a recipe. Recipes of the same seed and size share all draws."""
    images, digits = load_images(recipe.images, mnist)
    true = (digits < 5).astype(np.int64) if recipe.cue == "color" else digits
    generator = np.random.default_rng(recipe.seed)
    labels, cues = _draw(generator, true, recipe, np.full(len(true), recipe.cue_strength))
    random_cues = generator.integers(0, recipe.num_classes, len(true))
    free = generator.permutation(_rows(recipe.images, len(images))[1])
    train, held_out = free[: recipe.num_train], free[recipe.num_train :]

    def part(rows: NDArray[np.int64], cues: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        return _show(images[rows], cues[rows], recipe.cue), torch.from_numpy(labels[rows])

    return Task(part(train, cues, labels), part(held_out, cues, labels), part(held_out, random_cues, true))


def probe(zoo: Zoo, mnist: Path | None = None) -> list[Tensor]:
    """Make unlabelled batches for all networks of a zoo, from images that none of them was trained on.

    The cue of each image is drawn as in one of the recipes of the zoo, chosen at random.
    """
    recipes = list(zoo.models.values())
    first = recipes[0]
    images, digits = load_images(first.images, mnist)
    true = (digits < 5).astype(np.int64) if first.cue == "color" else digits
    generator = np.random.default_rng(_PROBE_SEED)
    strength = np.array([recipe.cue_strength for recipe in recipes])[generator.integers(0, len(recipes), len(true))]
    _, cues = _draw(generator, true, first, strength)
    rows = _rows(first.images, len(images))[0]
    return list(_show(images[rows], cues[rows], first.cue).split(200))


def _draw(
    generator: np.random.Generator, true: NDArray[np.int64], recipe: Recipe, cue_strength: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw labels, some of them random, and cues, which are the label if they are not random."""
    count, classes = len(true), recipe.num_classes
    labels = np.where(generator.random(count) < recipe.noise, generator.integers(0, classes, count), true)
    return labels, np.where(generator.random(count) < cue_strength, labels, generator.integers(0, classes, count))


def _rows(images: str, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows into those of the probe and those for training and tests."""
    order = np.random.default_rng(_PROBE_SEED).permutation(count)
    return order[: _NUM_PROBE[images]], order[_NUM_PROBE[images] :]


def _show(images: NDArray[np.float32], cues: NDArray[np.int64], cue: str) -> Tensor:
    """Add the cues to the images: ``[images, planes, side, side]``."""
    count, side, _ = images.shape
    if cue == "color":  # each image is in one of two planes; the other is zero
        planes = np.zeros((count, 2, side, side), dtype=np.float32)
        planes[np.arange(count), cues] = images
        return torch.from_numpy(planes)
    shown = images[:, None].copy()
    if cue == "patch":  # five places in the first rows, five in the last rows
        for place in range(10):
            top, left = (0 if place < 5 else side - _PATCH), (place % 5) * (side - _PATCH) // 4
            shown[cues == place, :, top : top + _PATCH, left : left + _PATCH] = 1.0
    return torch.from_numpy(shown)
