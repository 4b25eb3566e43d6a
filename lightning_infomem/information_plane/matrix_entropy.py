"""Matrix-based Renyi entropy."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import check_finite
from lightning_infomem._errors import UsageValueError

__all__ = ["check_order", "matrix_entropy"]


def check_order(order: float) -> None:
    """Require a positive order."""
    check_finite(order, name="order", above=0, remedy="1.01 is usual, 1 is Shannon's limit")


def matrix_entropy(*grams: Tensor, order: float = 1.01) -> float:
    """Matrix-based Renyi entropy of one variable, or joint entropy of several, in nats.

    The entropy is ``log(tr A^order) / (1 - order)``, where A is the elementwise product of the Gram matrices divided by
    its trace; at order 1 it is the limit ``-tr(A log A)``. For one variable and a kernel that is 1 on equal values and
    0 otherwise, it equals Renyi's entropy of the frequencies.

    Args:
        grams: Gram matrices, float64 ``[samples, samples]``, symmetric and positive semidefinite, one per variable on
            the same samples, for example two layers, or the feature maps of one layer. They are not modified.
        order: Positive order of the entropy.

    Returns:
        The entropy, from 0 (all entries equal) to ``log(samples)`` (the identity matrix).

    Raises:
        TypeError, ValueError: If there are no matrices, they are not square or not of one size, or ``order`` is not
            positive.

    Cost:
        Time ``samples^3`` for the eigenvalues; memory two more matrices. At order 2 time ``samples^2``, since ``tr
        A^2`` is the sum of the squared entries.

    Reference:
        Giraldo, Rao & Principe 2015, definition of S_alpha and of the joint entropy; Yu, Giraldo, Jenssen & Principe
        2020 for more than two variables. Both use bits.

    >>> round(matrix_entropy(torch.eye(4, dtype=torch.float64)), 6)  # log 4
    1.386294
    """
    check_order(order)
    shapes = [list(gram.shape) for gram in grams]
    if not shapes or any(shape != [shapes[0][0]] * 2 for shape in shapes):
        raise UsageValueError(
            f"grams: one or more square matrices of the same samples are required, got shapes {shapes}; compute each "
            "with gaussian_gram."
        )
    product = grams[0].double()
    for gram in grams[1:]:
        product = product * gram
    trace = float(product.diagonal().sum())
    if order == 2:
        return -math.log(float(product.square().sum()) / trace**2)
    shares = (torch.linalg.eigvalsh(product) / trace).clamp_min(0)  # negative ones are rounding errors
    if order == 1:
        return float(torch.special.entr(shares).sum())
    return math.log(float(shares.pow(order).sum())) / (1 - order)
