"""The experiments by name, for records and processes that know the name alone."""

from __future__ import annotations

from examples.paper import (
    bias_in_bios,
    colored_mnist,
    nico,
    sentiment_adjectives,
    shuffled_cifar,
    shuffled_imdb,
    shuffled_mnist,
)
from examples.paper.experiment import Experiment

__all__ = ["EXPERIMENTS", "find_experiment"]

# In the order of the paper's tables.
EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT
    for module in (
        sentiment_adjectives,
        colored_mnist,
        bias_in_bios,
        nico,
        shuffled_imdb,
        shuffled_mnist,
        shuffled_cifar,
    )
}


def find_experiment(name: str) -> Experiment:
    """The experiment of that name."""
    if name not in EXPERIMENTS:
        raise ValueError(f"experiment: one of {', '.join(EXPERIMENTS)} is required, got {name!r}.")
    return EXPERIMENTS[name]
