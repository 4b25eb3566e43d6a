"""The nearest training examples of inputs, by cosine."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

__all__ = ["leave_one_out_accuracy", "nearest_examples"]

_CHUNK = 1000


def nearest_examples(inputs: Tensor, examples: Tensor, number: int, *, are_examples: bool = False) -> Tensor:
    """Find the training examples nearest to each input, nearest first: int64 ``[inputs, number]``.

    Nearness is the cosine between flattened inputs after the mean of the training examples has been subtracted.

    Args:
        inputs: ``[inputs, ...]``.
        examples: ``[examples, ...]``.
        number: Number of examples for each input.
        are_examples: Whether ``inputs`` are the examples themselves, none of which is its own neighbour.
    """
    flat = examples.flatten(1)
    mean = flat.mean(0)
    directions = normalize(flat - mean)
    nearest = []
    for start in range(0, len(inputs), _CHUNK):
        cosines = normalize(inputs[start : start + _CHUNK].flatten(1) - mean) @ directions.T
        if are_examples:
            rows = torch.arange(len(cosines))
            cosines[rows, start + rows] = -torch.inf
        nearest.append(cosines.topk(number, dim=1).indices)
    return torch.cat(nearest)


def leave_one_out_accuracy(examples: Tensor, labels: Tensor, number: int = 5) -> float:
    """Return the share of training examples whose label is that of most of their nearest others.

    Of labels that are equally frequent among the neighbours, the one with nearer neighbours is taken.
    """
    nearest = labels[nearest_examples(examples, examples, number, are_examples=True)]
    votes = torch.zeros(len(labels), int(labels.max()) + 1)
    weights = 1 - 1e-3 * torch.arange(number, dtype=torch.float32)
    votes.scatter_add_(1, nearest, weights.expand_as(nearest))
    return float((votes.argmax(1) == labels).double().mean())
