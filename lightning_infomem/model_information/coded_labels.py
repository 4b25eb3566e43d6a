"""Labels in a code that grows with a training: each coded by a model that was not trained on it yet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import nn

from lightning_infomem.model_information.labeled_data import labels_of
from lightning_infomem.model_information.learner import label_nats, log_probabilities
from lightning_infomem.model_information.online_code import uniform_code_length

__all__ = ["CodedLabels", "code_batch"]


@dataclass(frozen=True)
class CodedLabels:
    """The length of the code of some labels; those of parts add up.

    Attributes:
        labels: how many.
        bits: length of their code.
        uniform_bits: of the same labels where nothing is known of them.
    """

    labels: int = 0
    bits: float = 0.0
    uniform_bits: float = 0.0

    @property
    def saved_bits(self) -> float:
        """By how much the code is shorter than the uniform one; below 0 where it is longer."""
        return self.uniform_bits - self.bits

    def __add__(self, other: CodedLabels) -> CodedLabels:
        return CodedLabels(self.labels + other.labels, self.bits + other.bits, self.uniform_bits + other.uniform_bits)


def code_batch(network: nn.Module, batch: Any, *, most: int | None = None) -> CodedLabels:
    """Code the labels of a batch by a network as it is: its mode, precision and device are the caller's affair.

    Args:
        network: gives class scores or log-probabilities ``[samples, classes]`` of the inputs.
        batch: inputs and labels, see `labels_of`.
        most: how many of the labels count, from the first on; all by default.

    Raises:
        TypeError, ValueError: as `log_probabilities` and `label_nats`.
    """
    scores, labels = log_probabilities(network, batch), labels_of(batch)
    nats = label_nats(scores, labels)[:most]
    return CodedLabels(len(nats), float(nats.sum()) / math.log(2), uniform_code_length(len(nats), scores.shape[1]))
