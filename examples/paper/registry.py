"""The experiments by name, for records and processes that know the name alone."""

from __future__ import annotations

from dataclasses import replace

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
from examples.paper.text_experiments import text_experiments

__all__ = ["EXPERIMENTS", "TEXTS", "find_experiment"]

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


TEXTS = tuple(experiment.name for experiment in text_experiments())


def find_experiment(name: str) -> Experiment:
    """The experiment of that name; "NAME@MODEL" is an experiment on texts with a model of Hugging Face."""
    base, _, model = name.partition("@")
    if base not in (TEXTS if model else EXPERIMENTS):
        raise ValueError(f"experiment: one of {', '.join(TEXTS if model else EXPERIMENTS)} is required, got {name!r}.")
    if not model:
        return EXPERIMENTS[base]
    (found,) = (each for each in text_experiments(model) if each.name == base)
    return replace(found, name=name, title=f"{found.title}, {model}")
