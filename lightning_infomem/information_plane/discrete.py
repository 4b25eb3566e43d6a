"""Entropies of discrete values: the plug-in estimate on the rows that occur."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["discrete_entropy", "discrete_information", "number_rows"]


def number_rows(codes: Tensor) -> Tensor:
    """Number the different rows of integers; equal rows have equal numbers.

    Args:
        codes: integers ``[samples, units]``.

    Returns:
        int64 ``[samples]``.

    Cost:
        ``samples * log(samples) * units``; a copy of the codes.
    """
    numbers: Tensor = torch.unique(codes, dim=0, return_inverse=True)[1]
    return numbers


def discrete_entropy(values: Tensor) -> float:
    """Entropy of the frequencies of integers, nats.

    >>> round(discrete_entropy(torch.tensor([0, 0, 1, 1])), 6)
    0.693147
    """
    shares = torch.unique(values, return_counts=True)[1].double() / len(values)
    return float(torch.special.entr(shares).sum())


def discrete_information(values: Tensor, labels: Tensor) -> float:
    """Mutual information of the joint frequencies of two integers, nats; never below 0.

    Args:
        values: int64 ``[samples]``, at least 0.
        labels: int64 ``[samples]``, at least 0.

    >>> round(discrete_information(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 1, 1])), 6)
    0.693147
    """
    joint = values * (int(labels.max()) + 1) + labels
    return max(discrete_entropy(values) + discrete_entropy(labels) - discrete_entropy(joint), 0.0)
