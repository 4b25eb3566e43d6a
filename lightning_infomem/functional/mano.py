"""Norm of the matrix of normalised logits, as an estimate of accuracy."""

from __future__ import annotations

from torch import Tensor

from lightning_infomem._checks import check_finite, check_samples, describe
from lightning_infomem._errors import UsageValueError

__all__ = ["mano"]

_SURE = 5.0  # eta of the paper


def mano(logits: Tensor, p: float = 4) -> Tensor:
    """Compute MaNo, the matrix norm of normalised logits: high if the outputs of a network are far from undecided.

    It was made to follow one network over shifted inputs. Do not take it for accuracy where networks memorize: they are
    sure of errors too.

    Args:
        logits: ``[samples, classes]``, at least 2 classes, finite, floating point, any device; computed in float64.
        p: Order of the norm, at least 1.

    Returns:
        float64 scalar tensor from ``1 / classes``, for uniform predictions, to ``classes**(-1 / p)``, for certain ones.
        Rows are normalised by softmax if, on average over samples and classes, the negative logarithm of the softmax
        exceeds 5; otherwise by the second-order Taylor series of the exponential, ``1 + z + z**2 / 2``, divided by its
        sum. The latter changes if a constant is added to the logits, and the value jumps where the rule changes.

    Raises:
        TypeError: If ``logits`` is not a floating-point tensor.
        ValueError: If the shape is wrong, a value is not finite, there are fewer than two classes, or ``p`` is below 1.

    Reference:
        Xie et al. (2024), MaNo: exploiting matrix norm for unsupervised accuracy estimation under distribution shifts,
        NeurIPS, equation 6 for the normalisation. The released code also subtracts the smallest entry of a row
        from its Taylor series; the series is positive by itself, so we do not.

    >>> import torch
    >>> round(mano(torch.zeros(3, 4)).item(), 4)  # undecided between four classes
    0.25
    """
    check_samples(logits, name="logits")
    check_finite(p, name="p", minimum=1)
    if logits.shape[1] < 2 or not bool(logits.isfinite().all()):
        raise UsageValueError(
            f"logits: finite values and at least two classes are required, got {describe(logits)}; leave out rows that "
            "are not finite, and pass a single logit z as [0, z]."
        )
    logits = logits.detach().double()
    log_softmax = logits.log_softmax(1)
    if -log_softmax.mean() > _SURE:
        normalised = log_softmax.exp()
    else:
        series = 1 + logits + logits.square() / 2
        normalised = series / series.sum(1, keepdim=True)
    norm: Tensor = normalised.pow(p).mean().pow(1 / p)
    return norm
