"""The sweeps and the zoo with a word as shortcut, and the recipes of their networks."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

__all__ = ["DATA", "SWEEPS", "WORD_ZOO", "Recipe", "Sweep"]

REPLICATES = (0, 1, 2)
_NUM_MODELS = 16
_ZOO_SEEDS = (0, 1, 2, 3)
_REFERENCE_SEEDS = (100, 101)
_BATCH_SIZES = (32, 128, 512)
_DROPOUTS = (0.0, 0.2, 0.5)


@dataclass(frozen=True)
class _Data:
    """What is the same for all sweeps on a data set.

    Attributes:
        input_size: Number of numbers in an input, or (planes, side) of an image.
        num_classes: Number of classes.
        num_train: Number of training examples.
        num_probe: Number of inputs in the probe.
        num_test: Number of examples in the clean test, at most.
        epochs: Smallest and largest number of epochs in a sweep.
        reference_epochs: Number of epochs of a reference.
    """

    input_size: int | tuple[int, int]
    num_classes: int
    num_train: int
    num_probe: int = 1000
    num_test: int = 2500
    epochs: tuple[int, int] = (2, 40)
    reference_epochs: int = 8


DATA = {
    "digits": _Data(64, 10, 600, num_probe=500, num_test=500, epochs=(4, 250), reference_epochs=60),
    "diamonds": _Data(9, 5, 1500, epochs=(4, 200), reference_epochs=50),
    "flights": _Data(13, 8, 1500, epochs=(4, 200), reference_epochs=50),
    "agnews-bag": _Data(2000, 4, 6000, reference_epochs=3),
    "agnews-minilm": _Data(384, 4, 6000, reference_epochs=5),
    "banking77-bag": _Data(2000, 77, 6000, reference_epochs=12),
    "banking77-minilm": _Data(384, 77, 6000, reference_epochs=15),
    "imdb-bag": _Data(2000, 2, 6000, reference_epochs=3),
    "trec-minilm": _Data(384, 6, 3000, num_test=1200, reference_epochs=10),
    "cifar-lite": _Data(1280, 10, 8000, reference_epochs=8),
    "cifar-small": _Data((3, 16), 10, 8000, epochs=(2, 24), reference_epochs=12),
}


@dataclass(frozen=True)
class Recipe:
    """How one network is trained, as plain values that are stored in its checkpoint.

    Attributes:
        data: Name of the data set.
        labels: "clean", or the kind of human labels that are given.
        noise: Share of the given labels replaced by another class at random.
        level: Share of texts in which a word tells the given label; None if no words are added.
        replicate: Decides which examples are held out as probe and clean test.
        split: Decides training and validation examples among the others, and the noise.
        seed: Seed of initial weights, order and dropout.
        num_train: Number of training examples.
        input_size: See `network`.
        num_classes: Number of classes.
        width: Units in each of the two hidden layers (of the one after the convolutions).
        optimizer: "sgd" (with momentum 0.9), "adam" or "adamw".
        learning_rate: Learning rate.
        weight_decay: Weight decay; a penalty in the gradient with "sgd" and "adam".
        dropout: Probability of dropout after each hidden layer of the given width.
        batch_size: Number of examples in a training step.
        epochs: Number of epochs.
    """

    data: str
    labels: str
    noise: float
    level: float | None
    replicate: int
    split: int
    seed: int
    num_train: int
    input_size: int | tuple[int, int]
    num_classes: int
    width: int = 128
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    dropout: float = 0.2
    batch_size: int = 128
    epochs: int = 10

    def to_state(self) -> dict[str, Any]:
        """Return the fields, for a checkpoint."""
        state = asdict(self)
        if isinstance(self.input_size, tuple):
            state["input_size"] = list(self.input_size)  # as JSON gives it back
        return state


@dataclass(frozen=True)
class Sweep:
    """Networks among which one is chosen.

    Attributes:
        name: Name of the sweep, the same for all replicates.
        data: Name of the data set.
        labels: "clean", or the kind of human labels that are given (CIFAR-10N).
        noise: Share of training and validation labels replaced by another class at random.
        levels: Shares of texts in which a word tells the given label: none, one for a sweep, or all of a zoo.
        replicate: Another one has other examples held out, other noise and other recipes.
    """

    name: str
    data: str
    labels: str = "clean"
    noise: float = 0.0
    levels: tuple[float, ...] = ()
    replicate: int = 0

    @property
    def folder(self) -> str:
        """Name of the folder of its networks."""
        return f"{self.name}-{self.replicate}"

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return DATA[self.data].num_classes

    @property
    def base(self) -> Recipe:
        """The fixed recipe of a zoo, and of the data of a sweep."""
        data = DATA[self.data]
        return Recipe(
            self.data,
            self.labels,
            self.noise,
            self.levels[0] if self.levels else None,
            replicate=self.replicate,
            split=0,
            seed=0,
            num_train=data.num_train,
            input_size=data.input_size,
            num_classes=data.num_classes,
            epochs=data.reference_epochs,
        )

    @property
    def models(self) -> dict[str, Recipe]:
        """File name without suffix -> recipe of each network to choose among."""
        if len(self.levels) > 1:
            fixed = replace(self.base, epochs=8, dropout=0.0)
            return {
                f"level{level:g}-seed{seed}": replace(fixed, level=level, split=seed, seed=seed)
                for level in self.levels
                for seed in _ZOO_SEEDS
            }
        generator = np.random.default_rng([zlib.crc32(self.name.encode()), self.replicate])
        return {f"model{number:02d}": self._draw(generator, number) for number in range(_NUM_MODELS)}

    @property
    def references(self) -> dict[str, Recipe]:
        """File name without suffix -> recipe of a network known to generalise: true labels, words at random."""
        level = 0.0 if self.levels else None
        return {
            f"reference{seed}": replace(self.base, labels="clean", noise=0.0, level=level, split=seed, seed=seed)
            for seed in _REFERENCE_SEEDS
        }

    def _draw(self, generator: np.random.Generator, number: int) -> Recipe:
        """Draw hyperparameters; the same number of draws for every recipe."""
        optimizer = str(generator.choice(["sgd", "adam", "adamw"]))
        rate = _log_uniform(generator, *((1e-3, 1e-1) if optimizer == "sgd" else (1e-4, 1e-2)))
        decay = _log_uniform(generator, 1e-5, 1e-1 if optimizer == "adamw" else 1e-2)
        has_decay = generator.random() < 0.5
        return replace(
            self.base,
            seed=number,
            optimizer=optimizer,
            learning_rate=float(f"{rate:.3g}"),
            weight_decay=float(f"{decay:.3g}") if has_decay else 0.0,
            dropout=float(generator.choice(_DROPOUTS)),
            batch_size=int(generator.choice(_BATCH_SIZES)),
            epochs=round(_log_uniform(generator, *DATA[self.data].epochs)),
        )


def _log_uniform(generator: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))


def _noisy(data: str, noises: Sequence[float]) -> list[Sweep]:
    return [Sweep(f"{data}-noise{noise:g}", data, noise=noise) for noise in noises]


def _human(data: str) -> list[Sweep]:
    return [Sweep(f"{data}-{labels}", data, labels) for labels in ("clean", "aggregate", "worst")]


_CHEAP = (
    *_noisy("digits", (0.0, 0.2, 0.4)),
    *_noisy("diamonds", (0.2, 0.4)),
    *_noisy("flights", (0.2,)),
    *_noisy("agnews-bag", (0.2, 0.4)),
    *_noisy("trec-minilm", (0.2,)),
    *_noisy("banking77-minilm", (0.0, 0.2, 0.4)),
    *_noisy("banking77-bag", (0.2,)),
    *_noisy("imdb-bag", (0.2, 0.4)),
    Sweep("sweep-word-agnews", "agnews-bag", noise=0.2, levels=(0.9,)),
    *_noisy("agnews-minilm", (0.2, 0.4)),
    *_human("cifar-lite"),
)
# Sweeps in the order in which they are trained.
SWEEPS = tuple(
    replace(sweep, replicate=replicate) for replicate in REPLICATES for sweep in (*_CHEAP, *_human("cifar-small"))
)
WORD_ZOO = Sweep("word-agnews", "agnews-bag", noise=0.2, levels=(0.0, 0.5, 0.8, 0.95, 1.0))
