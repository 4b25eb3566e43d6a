"""Find experiments by name, for records and processes that know only the name."""

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
from examples.paper.choices import CHOICES
from examples.paper.depths import by_depth
from examples.paper.experiment import Experiment
from examples.paper.text_experiments import text_experiments

__all__ = ["EXPERIMENTS", "TEXTS", "VARIANTS", "find_experiment"]

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
# Variants that are not in the paper. A variant with the original depth is the original experiment.
VARIANTS: dict[str, Experiment] = {
    each.name: each
    for each in (*CHOICES, *(each for depths in by_depth().values() for each in depths.values()))
    if each.name not in EXPERIMENTS
}


def find_experiment(name: str) -> Experiment:
    """Find an experiment; "NAME@MODEL" is an experiment on texts with a Hugging Face model."""
    base, _, model = name.partition("@")
    known = TEXTS if model else (*EXPERIMENTS, *VARIANTS)
    if base not in known:
        raise ValueError(f"experiment: one of {', '.join(known)} is required, got {name!r}.")
    if not model:
        return EXPERIMENTS.get(base) or VARIANTS[base]
    (found,) = (each for each in text_experiments(model) if each.name == base)
    return replace(found, name=name, title=f"{found.title}, {model}")
