"""Label-free summaries of a classifier's outputs."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from lightning_infomem._checks import check_samples, describe

__all__ = ["mean_confidence", "nuclear_norm", "softmax_entropy"]


def mean_confidence(logits: Tensor) -> Tensor:
    """Mean over samples of the largest predicted probability.

    Do not take it for accuracy: a network that memorizes is confident too.

    Args:
        logits: ``[samples, classes]``, at least 2 classes, floating point, any device; computed in float64.

    Returns:
        float64 scalar tensor, from ``1 / classes`` to 1. Rows with a non-finite value are dropped with a warning.

    Raises:
        TypeError: If ``logits`` is not a floating-point tensor.
        ValueError: If the shape is wrong, there are fewer than two classes, or no row is finite.

    Reference:
        Hendrycks and Gimpel (2017), A baseline for detecting misclassified and out-of-distribution examples, ICLR.

    >>> round(mean_confidence(torch.tensor([[0.0, 0.0], [0.0, 0.0]])).item(), 4)
    0.5
    """
    return _probabilities(logits).amax(1).mean()


def softmax_entropy(logits: Tensor) -> Tensor:
    """Mean over samples of the entropy of the predicted distribution.

    Do not use it alone: a network that predicts one class for everything has zero entropy.

    Args:
        logits: ``[samples, classes]``, at least 2 classes, floating point, any device; computed in float64.

    Returns:
        float64 scalar tensor in nats, from 0 to ``ln(classes)``. Rows with a non-finite value are dropped with a
        warning.

    Raises:
        TypeError: If ``logits`` is not a floating-point tensor.
        ValueError: If the shape is wrong, there are fewer than two classes, or no row is finite.

    >>> round(softmax_entropy(torch.zeros(3, 4)).item(), 4)  # ln 4
    1.3863
    """
    entropy: Tensor = torch.special.entr(_probabilities(logits)).sum(1).mean()
    return entropy


def nuclear_norm(logits: Tensor) -> Tensor:
    """Nuclear norm of the matrix of predicted probabilities, as a share of its largest possible value.

    It is high if predictions are confident and spread over the classes. Do not use it if the classes of the samples are
    far from balanced, and do not compare different numbers of samples.

    Args:
        logits: ``[samples, classes]``, at least 2 classes, floating point, any device; computed in float64.

    Returns:
        float64 scalar tensor above 0 and at most 1: the sum of singular values divided by
        ``sqrt(min(samples, classes) * samples)``. Uniform predictions give
        ``1 / sqrt(classes * min(samples, classes))``. Rows with a non-finite value are dropped with a warning.

    Raises:
        TypeError: If ``logits`` is not a floating-point tensor.
        ValueError: If the shape is wrong, there are fewer than two classes, or no row is finite.

    Cost:
        One singular value decomposition without vectors, ``samples * classes * min(samples, classes)``.

    Reference:
        Deng et al. (2023), Confidence and dispersity speak: characterizing prediction matrix for unsupervised accuracy
        estimation, ICML.

    >>> round(nuclear_norm(100 * torch.eye(3)).item(), 4)  # three samples, each confidently of another class
    1.0
    """
    probabilities = _probabilities(logits)
    most = math.sqrt(min(probabilities.shape) * len(probabilities))
    share: Tensor = torch.linalg.svdvals(probabilities).sum() / most
    return share


def _probabilities(logits: Tensor) -> Tensor:
    """Softmax of the finite rows. Call it directly from a public function, so that the warning points at the caller."""
    check_samples(logits, name="logits")
    if logits.shape[1] < 2:
        raise ValueError(
            f"logits: at least two classes are required, got {describe(logits)}; pass a single logit z as [0, z]."
        )
    finite_rows = torch.isfinite(logits).all(1)
    kept = logits.detach()[finite_rows].double()
    if len(kept) == 0:
        raise ValueError(
            f"logits: a row of finite values is required, got {describe(logits)} without any; "
            "remove classes that are masked by -inf."
        )
    if len(kept) < len(logits):
        message = f"logits: {len(logits) - len(kept)} of {len(logits)} rows hold non-finite values and were dropped."
        warnings.warn(message, stacklevel=3)
    return kept.softmax(1)
