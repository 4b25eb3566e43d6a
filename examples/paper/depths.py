"""The experiments on digits with networks of other depths, for the study of capacity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from examples.paper import colored_mnist, shuffled_mnist
from examples.paper.data import PaperData
from examples.paper.experiment import Experiment
from examples.paper.networks.mlp import MLP

__all__ = ["DEPTHS", "LEVELS", "by_depth"]

DEPTHS = (1, 2, 3, 4)
LEVELS = (0.0, 0.5, 1.0)
_OWN_DEPTH = 3


def by_depth() -> dict[str, dict[int, Experiment]]:
    """Map the name of each experiment and a depth to the experiment with networks of that depth, at three levels.

    At its original depth it keeps its name, and shares the records of the main study in the same folder.
    """
    return {
        each.name: {depth: _with_depth(each, depth) for depth in DEPTHS}
        for each in (colored_mnist.EXPERIMENT, shuffled_mnist.EXPERIMENT)
    }


def _with_depth(experiment: Experiment, depth: int) -> Experiment:
    if depth == _OWN_DEPTH:
        return replace(experiment, levels=LEVELS)
    return replace(
        experiment,
        name=f"{experiment.name}-depth-{depth}",
        title=f"{experiment.title}, {depth} hidden layer{'s' * (depth > 1)}",
        levels=LEVELS,
        network=_network(depth),
    )


def _network(depth: int) -> Callable[[PaperData], MLP]:
    def network(data: PaperData) -> MLP:
        (inputs,) = data.probe_set[0]
        return MLP(inputs.numel(), 1 if data.num_classes == 2 else data.num_classes, depth=depth)

    return network
