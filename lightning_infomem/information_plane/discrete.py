"""Plug-in entropy and mutual information of discrete values."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["discrete_entropy", "discrete_information", "number_rows"]


def number_rows(codes: Tensor) -> Tensor:
    """Number the distinct rows of an integer matrix; equal rows get equal numbers.

    Args:
        codes: Integer ``[samples, units]``.

    Returns:
        int64 ``[samples]``.

    Cost:
        Time ``samples * log(samples) * units``. Memory: one copy of the codes.
    """
    numbers: Tensor = torch.unique(codes, dim=0, return_inverse=True)[1]
    return numbers


def discrete_entropy(values: Tensor) -> float:
    """Plug-in entropy of integer values, in nats.

    >>> round(discrete_entropy(torch.tensor([0, 0, 1, 1])), 6)
    0.693147
    """
    shares = torch.unique(values, return_counts=True)[1].double() / len(values)
    return float(torch.special.entr(shares).sum())


def discrete_information(values: Tensor, labels: Tensor) -> float:
    """Plug-in mutual information of two integer variables, in nats; never below 0.

    Args:
        values: int64 ``[samples]``, at least 0.
        labels: int64 ``[samples]``, at least 0.

    >>> round(discrete_information(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 1, 1])), 6)
    0.693147
    """
    joint = values * (int(labels.max()) + 1) + labels
    return max(discrete_entropy(values) + discrete_entropy(labels) - discrete_entropy(joint), 0.0)
