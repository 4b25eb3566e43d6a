"""The experiments by name, for records and processes that know the name alone."""

from __future__ import annotations

from examples.paper import colored_mnist, shuffled_mnist
from examples.paper.experiment import Experiment

__all__ = ["EXPERIMENTS", "find_experiment"]

EXPERIMENTS: dict[str, Experiment] = {each.name: each for each in (colored_mnist.EXPERIMENT, shuffled_mnist.EXPERIMENT)}


def find_experiment(name: str) -> Experiment:
    """The experiment of that name."""
    if name not in EXPERIMENTS:
        raise ValueError(f"experiment: one of {', '.join(EXPERIMENTS)} is required, got {name!r}.")
    return EXPERIMENTS[name]
