"""The labels of the training examples nearest to each input."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["TrainingNeighbors"]


@dataclass(frozen=True, eq=False)
class TrainingNeighbors:
    """What the training examples nearest to each input were labelled.

    Attributes:
        inputs: Mark of each input, int64 ``[inputs]``, increasing; see `Predictions`.
        labels: Given labels of its nearest training examples, nearest first, int64 ``[inputs, neighbors]``.
        num_training: Number of training examples that were searched.
        leave_one_out: Share of the training examples whose given label is that of most of their own neighbours.
        standard_error: Standard error of ``leave_one_out``.
        chance: What ``leave_one_out`` would be if the most frequent label were guessed everywhere.
        features: In what space neighbours are near, in words.
        num_shared: Number of inputs that are training examples themselves; no such example is its own neighbour.
    """

    inputs: Tensor
    labels: Tensor
    num_training: int
    leave_one_out: float
    standard_error: float
    chance: float
    features: str
    num_shared: int = 0

    @property
    def skill(self) -> float:
        """How far neighbours are better than chance, from 0 (not at all) to 1 (always right)."""
        return (self.leave_one_out - self.chance) / (1 - self.chance) if self.chance < 1 else 0.0
