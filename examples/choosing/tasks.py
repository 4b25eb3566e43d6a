"""Draw the splits of a sweep: training and validation with the labels as given, the probe, and a clean test."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from examples.choosing.pools import Pool, load_pool
from examples.choosing.sources import Sources
from examples.choosing.sweeps import DATA, Recipe, Sweep

__all__ = ["Task", "draw_task", "make_task", "probe_batches", "training_batches"]

_NUM_VALIDATION = 500
_BATCH = 200
_HELD_OUT, _TRAINING = 1, 2  # streams of random draws
_PRESENT = float(np.log1p(1.0))  # a word that is in a text once


@dataclass(frozen=True)
class Task:
    """Inputs and int64 labels of one network; no example is in two of the parts.

    Attributes:
        train: Training inputs and the labels given for them.
        validation: Validation inputs, with labels of the same kind as in training.
        probe: Inputs on which checkpoints are compared, and their true labels, which are used only to judge.
        test: Other inputs, with random words if words are added, and true labels.
        rows: Name of the part -> places of its examples in the pool.
    """

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    probe: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    rows: dict[str, NDArray[np.int64]]


def make_task(sweep: Sweep, recipe: Recipe | None, sources: Sources) -> Task:
    """Draw the data of a network of the sweep.

    The probe and the test are the same for all networks of a sweep. In a zoo of levels, each probe text has the word
    of its label as often as in one of the levels, which is drawn for it.

    Args:
        sweep: The sweep.
        recipe: One of its recipes. None draws the data of the sweep as a whole: what the networks of a sweep are
            trained on, and for a zoo a training set in which each text has a level of its own.
        sources: Where the data lie.
    """
    return draw_task(sweep, recipe, _pool(sweep.data, sources))


def draw_task(sweep: Sweep, recipe: Recipe | None, pool: Pool) -> Task:
    """Draw as `make_task` does, from a pool that is loaded."""
    sizes = DATA[sweep.data]
    given = recipe or sweep.base
    levels = sweep.levels if recipe is None else () if recipe.level is None else (recipe.level,)
    true, classes = pool.labels["clean"], given.num_classes
    may_be_held_out = np.arange(len(true)) if pool.is_test is None else np.flatnonzero(pool.is_test)
    held_out = np.random.default_rng([_HELD_OUT, given.replicate])
    order = held_out.permutation(may_be_held_out)
    probe, test, rest = np.split(order, [sizes.num_probe, sizes.num_probe + sizes.num_test])
    free = rest if pool.is_test is None else np.flatnonzero(~pool.is_test)

    def part(
        rows: NDArray[np.int64], shown: NDArray[np.int64], levels: Sequence[float], generator: np.random.Generator
    ) -> Tensor:
        inputs = pool.inputs[rows]
        if sweep.levels:
            _add_words(inputs, shown, levels, classes, generator)
        return torch.from_numpy(inputs)

    # The words of the probe tell labels with the noise of the sweep, whatever the labels of this network.
    shown = _flipped(true[probe], sweep.noise, classes, held_out)
    probe_inputs = part(probe, shown, sweep.levels, held_out)
    test_inputs = part(test, true[test], (0.0,), held_out)

    generator = np.random.default_rng([_TRAINING, given.replicate, given.split])
    train, validation = np.split(generator.permutation(free)[: given.num_train + _NUM_VALIDATION], [given.num_train])
    labels = pool.labels[given.labels]
    train_labels = _flipped(labels[train], given.noise, classes, generator)
    validation_labels = _flipped(labels[validation], given.noise, classes, generator)
    return Task(
        train=(part(train, train_labels, levels, generator), torch.from_numpy(train_labels)),
        validation=(part(validation, validation_labels, levels, generator), torch.from_numpy(validation_labels)),
        probe=(probe_inputs, torch.from_numpy(true[probe])),
        test=(test_inputs, torch.from_numpy(true[test])),
        rows={"train": train, "validation": validation, "probe": probe, "test": test},
    )


def probe_batches(sweep: Sweep, sources: Sources) -> list[Tensor]:
    """Return the unlabelled probe of a sweep in batches of 200 inputs."""
    return list(make_task(sweep, None, sources).probe[0].split(_BATCH))


def training_batches(sweep: Sweep, sources: Sources) -> list[tuple[Tensor, Tensor]]:
    """Return the training inputs of a sweep with the labels given for them, noise included, in batches of 200."""
    inputs, labels = make_task(sweep, None, sources).train
    return list(zip(inputs.split(_BATCH), labels.split(_BATCH), strict=True))


@functools.lru_cache(maxsize=1)
def _pool(data: str, sources: Sources) -> Pool:
    return load_pool(data, sources)


def _flipped(
    labels: NDArray[np.int64], noise: float, classes: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Replace a share of labels by one of the other classes."""
    other = (labels + generator.integers(1, classes, len(labels))) % classes
    return np.where(generator.random(len(labels)) < noise, other, labels)


def _add_words(
    inputs: NDArray[np.floating],
    labels: NDArray[np.int64],
    levels: Sequence[float],
    classes: int,
    generator: np.random.Generator,
) -> None:
    """Let each text have exactly one of the rarest words: that of its label in a share of texts, else any of them.

    The share is one of the levels, drawn for each text. The draws are the same for all levels of a zoo.
    """
    count = len(inputs)
    level = np.array(levels)[generator.integers(0, len(levels), count)]
    word = np.where(generator.random(count) < level, labels, generator.integers(0, classes, count))
    inputs[:, -classes:] = 0
    inputs[np.arange(count), inputs.shape[1] - classes + word] = _PRESENT
