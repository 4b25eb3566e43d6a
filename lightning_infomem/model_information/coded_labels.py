"""Code lengths of labels, accumulated during training: each label is coded before the model is trained on it."""

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
    """The code length of a set of labels. Code lengths of disjoint sets add up.

    Attributes:
        labels: Number of labels.
        bits: Length of their code, in bits.
        uniform_bits: Length of the uniform code for the same labels, in bits.
    """

    labels: int = 0
    bits: float = 0.0
    uniform_bits: float = 0.0

    @property
    def saved_bits(self) -> float:
        """Uniform code length minus code length; negative if the code is longer than the uniform one."""
        return self.uniform_bits - self.bits

    def __add__(self, other: CodedLabels) -> CodedLabels:
        return CodedLabels(self.labels + other.labels, self.bits + other.bits, self.uniform_bits + other.uniform_bits)


def code_batch(network: nn.Module, batch: Any, *, most: int | None = None) -> CodedLabels:
    """Code the labels of a batch with a network as it is; the caller sets its mode, precision and device.

    Args:
        network: Network that returns class scores or log-probabilities ``[samples, classes]``.
        batch: Inputs and labels; see `labels_of`.
        most: Count only the first ``most`` labels. None counts all of them.

    Raises:
        TypeError, ValueError: See `log_probabilities` and `label_nats`.
    """
    scores, labels = log_probabilities(network, batch), labels_of(batch)
    nats = label_nats(scores, labels)[:most]
    return CodedLabels(len(nats), float(nats.sum()) / math.log(2), uniform_code_length(len(nats), scores.shape[1]))
