"""The experiments by name, for records and processes that know the name alone."""

from __future__ import annotations

from examples.paper import colored_mnist, shuffled_mnist
from examples.paper.depths import by_depth
from examples.paper.experiment import Experiment

__all__ = ["EXPERIMENTS", "find_experiment"]

EXPERIMENTS: dict[str, Experiment] = {each.name: each for each in (colored_mnist.EXPERIMENT, shuffled_mnist.EXPERIMENT)}

# Found by name, but none of the paper's experiments. Those come last: one that keeps its depth is the paper's.
_FOUND = {each.name: each for depths in by_depth().values() for each in depths.values()} | EXPERIMENTS


def find_experiment(name: str) -> Experiment:
    """The experiment of that name."""
    if name not in _FOUND:
        raise ValueError(f"experiment: one of {', '.join(_FOUND)} is required, got {name!r}.")
    return _FOUND[name]
