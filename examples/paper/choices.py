"""Variants of the experiments, to see which training choice decides a sign."""

from __future__ import annotations

from dataclasses import replace

from examples.paper import colored_mnist, sentiment_adjectives, shuffled_imdb, shuffled_mnist
from examples.paper.experiment import Experiment

__all__ = ["CHOICES"]


def _otherwise(experiment: Experiment, name: str, title: str, **changes: float) -> Experiment:
    return replace(
        experiment,
        name=f"{experiment.name}-{name}",
        title=f"{experiment.title}, {title}",
        recipe=replace(experiment.recipe, **changes),
    )


CHOICES = (
    _otherwise(colored_mnist.EXPERIMENT, "without-l2", "without the penalty on weights", l2_weight=0.0),
    # As in the released code.
    _otherwise(shuffled_mnist.EXPERIMENT, "with-l2", "with the penalty on weights", l2_weight=0.002),
    # Validation accuracy is highest here at alpha = 0, before the flipped labels are memorized. This is what early
    # stopping on labelled accuracy, an option of the released code, would give.
    _otherwise(colored_mnist.EXPERIMENT, "early", "stopped early (12 epochs)", epochs=12),
    _otherwise(colored_mnist.EXPERIMENT, "short", "a fifth of the epochs", epochs=30),
    _otherwise(shuffled_mnist.EXPERIMENT, "short", "a fifth of the epochs", epochs=30),
    _otherwise(sentiment_adjectives.EXPERIMENT, "short", "a third of the epochs", epochs=2),
    _otherwise(shuffled_imdb.EXPERIMENT, "short", "a third of the epochs", epochs=2),
)
