"""How far apart the predicted classes lie in a layer."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import check_samples
from lightning_infomem._errors import UsageValueError
from lightning_infomem.functional.standardization import scale_to_one
from lightning_infomem.functional.usable_votes import usable_classes

__all__ = ["dispersion_score"]


def dispersion_score(samples: Tensor, classes: Tensor) -> Tensor:
    """Compute the logarithm of the dispersion between the predicted classes in a layer.

    Compare networks of one architecture on the same inputs only. It says how separate the classes are that the network
    made, not whether they are right.

    Args:
        samples: Activations of a layer, usually the last hidden one, ``[samples, units]``, finite, floating point.
            Each row is scaled to Euclidean length 1; a row of zeros stays. Computed in float64 on the CPU.
        classes: Predicted classes, ``[samples]``, any integer dtype; samples with -1 are left out.

    Returns:
        float64 scalar tensor on the CPU: the logarithm of the squared distances of class means from the mean of all,
        weighted by the shares of the classes, summed, and divided by one less than the number of classes that occur.
        NaN if fewer than two classes occur; minus infinity if all means are the same.

    Raises:
        TypeError: If ``samples`` does not hold floating-point numbers or ``classes`` not integers.
        ValueError: If shapes do not match or a value is not finite.

    Reference:
        Xie et al. (2023), On the importance of feature separability in predicting out-of-distribution error, NeurIPS.
        They weight by the numbers of samples, which adds the logarithm of their sum.

    >>> samples = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    >>> round(dispersion_score(samples, torch.tensor([0, 0, 1, 1])).item(), 4)  # ln 1/2
    -0.6931
    """
    check_samples(samples)
    if not bool(samples.isfinite().all()):
        raise UsageValueError("samples: finite values are required, got NaN or infinity; leave out those rows.")
    classes = usable_classes(classes, len(samples), name="classes", unknown="an unknown prediction")
    known = classes >= 0
    rows = samples.detach().to("cpu", torch.float64)[known]
    _, members, counts = torch.unique(classes[known], return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return torch.tensor(math.nan, dtype=torch.float64)
    rows = scale_to_one(rows, rows.abs().amax(1, keepdim=True))
    lengths = rows.square().sum(1, keepdim=True).sqrt()
    rows = rows / lengths.masked_fill(lengths == 0, 1)
    means = rows.new_zeros(len(counts), rows.shape[1]).index_add_(0, members, rows) / counts[:, None]
    distances = (means - rows.mean(0)).square().sum(1)
    score: Tensor = ((distances * counts).sum() / len(rows) / (len(counts) - 1)).log()
    return score
