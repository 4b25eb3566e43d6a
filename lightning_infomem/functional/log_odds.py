"""How sure a classifier is of each predicted class."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem._checks import check_samples, describe
from lightning_infomem._errors import UsageValueError

__all__ = ["log_odds"]


def log_odds(logits: Tensor) -> Tensor:
    """Logarithm of the odds of the predicted class, ``ln(p / (1 - p))`` of its softmax probability ``p``.

    It tells probabilities apart that all round to 1, which those of trained networks do.

    Args:
        logits: ``[samples, classes]``, at least 2 classes, floating point, any device; computed in float64.

    Returns:
        float64 ``[samples]`` in nats, on the same device: the highest logit minus the logarithm of the sum of
        exponentials of the others. It is at least ``-ln(classes - 1)``, and negative if the predicted class is less
        likely than the others together. NaN for a row with a non-finite value.

    Raises:
        TypeError: If ``logits`` is not a floating-point tensor.
        ValueError: If the shape is wrong, or there are fewer than two classes.

    >>> log_odds(torch.tensor([[0.0, 0.0], [100.0, 0.0]])).tolist()
    [0.0, 100.0]
    """
    check_samples(logits, name="logits")
    if logits.shape[1] < 2:
        raise UsageValueError(
            f"logits: at least two classes are required, got {describe(logits)}; pass a single logit z as [0, z]."
        )
    exact = logits.detach().double()
    highest, predicted = exact.max(1, keepdim=True)
    others = exact.scatter(1, predicted, -torch.inf).logsumexp(1)
    return (highest[:, 0] - others).masked_fill(~exact.isfinite().all(1), torch.nan)
