"""Agreement of predicted classes with the given labels of the nearest training examples."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.functional.usable_votes import mean_of_terms, usable_votes

__all__ = ["neighbor_agreement"]


def neighbor_agreement(classes: Tensor, neighbor_labels: Tensor, *, per_input: bool = False) -> Tensor:
    """Compute how far each checkpoint predicts the classes that the nearest training examples were given.

    Neighbours average wrong labels out, so noisy labels of the training data serve as they come. Do not use it where
    neighbours are poor, as raw pixels of photographs are: `leave_one_out_accuracy` tells.

    Args:
        classes: Predicted classes, ``[checkpoints, inputs]``, any integer dtype and device; -1 is an unknown
            prediction.
        neighbor_labels: Given labels of the nearest training examples of each input, ``[inputs, neighbors]``, any
            integer dtype; -1 where unknown. See `nearest_neighbors`; five to ten are enough.
        per_input: Return the terms of the mean, ``[checkpoints, inputs]``, NaN where a term is left out.

    Returns:
        float64 ``[checkpoints]`` on the CPU, from 0 to 1: the mean over inputs of the share of its neighbours whose
        label is the predicted class. Unknown predictions and labels are left out; NaN without any input.

    Raises:
        TypeError: If an argument is not an integer tensor.
        ValueError: If shapes do not match, or a class is below -1.

    Cost:
        Time ``checkpoints * inputs * neighbors``.

    Reference:
        That it ranks the networks of a sweep is our finding. The estimate of a class by its share among neighbours is
        that of Cover and Hart (1967), Nearest neighbor pattern classification, IEEE Trans. Inf. Theory 13:21.

    >>> labels_of_neighbors = torch.tensor([[0, 0, 1], [1, 1, 1]])
    >>> neighbor_agreement(torch.tensor([[0, 1], [1, 1], [1, 0]]), labels_of_neighbors)
    tensor([0.8333, 0.6667, 0.1667], dtype=torch.float64)
    """
    classes = usable_votes(classes)
    if not isinstance(neighbor_labels, Tensor) or neighbor_labels.is_floating_point():
        raise UsageTypeError(
            "neighbor_labels: an integer torch tensor of shape [inputs, neighbors] is required, got "
            f"{describe(neighbor_labels)}; pass labels[nearest_neighbors(...).indices]."
        )
    if neighbor_labels.ndim != 2 or len(neighbor_labels) != classes.shape[1] or neighbor_labels.shape[1] == 0:
        raise UsageValueError(
            f"neighbor_labels: shape [{classes.shape[1]}, neighbors], one row for each input, is required, got "
            f"{describe(neighbor_labels)}; pass labels[nearest_neighbors(...).indices]."
        )
    labels = usable_votes(neighbor_labels.T, name="neighbor_labels")
    known = labels >= 0
    agreeing = torch.stack([((own == labels) & known).sum(0) for own in classes])
    counted = (classes >= 0) & known.any(0)
    return mean_of_terms((agreeing.double() / known.sum(0)).masked_fill(~counted, math.nan), per_input)
