"""Renyi's entropy of a Gram matrix."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import describe

__all__ = ["check_order", "matrix_entropy"]


def check_order(order: float) -> None:
    """Require a positive order."""
    if isinstance(order, bool) or not isinstance(order, (int, float)):
        raise TypeError(f"order: a positive number is required, got {describe(order)}; 1.01 is usual.")
    if not 0 < order < math.inf:
        raise ValueError(f"order: a positive number is required, got {order}; 1.01 is usual, 1 is Shannon's limit.")


def matrix_entropy(*grams: Tensor, order: float = 1.01) -> float:
    """Matrix-based entropy of one variable, or joint entropy of several, nats.

    ``log(tr A^order) / (1 - order)`` of A, the elementwise product of the Gram matrices divided by its trace; at order
    1 its limit, ``-tr(A log A)``. For one variable with a kernel that is 1 on equal values and 0 else it is Renyi's
    entropy of the frequencies.

    Args:
        grams: float64 ``[samples, samples]``, symmetric, positive semidefinite, each of its own variable on the same
            samples: two layers, or each feature map of one. They are not changed.
        order: positive.

    Returns:
        Between 0 (all entries equal) and ``log(samples)`` (the identity).

    Raises:
        TypeError, ValueError: no matrices, not square, or not of one size; an order that is not positive.

    Cost:
        ``samples^3`` for the eigenvalues, and two matrices more; at order 2 ``samples^2``, ``tr A^2`` being the sum of
        the squared entries.

    Reference:
        Giraldo, Rao & Principe 2015, definition of S_alpha and of the joint entropy; Yu, Giraldo, Jenssen & Principe
        2020 for more than two variables. Both in bits.

    >>> round(matrix_entropy(torch.eye(4, dtype=torch.float64)), 6)  # log 4
    1.386294
    """
    check_order(order)
    shapes = [list(gram.shape) for gram in grams]
    if not shapes or any(shape != [shapes[0][0]] * 2 for shape in shapes):
        raise ValueError(
            f"grams: one or more square matrices of the same samples are required, got shapes {shapes}; make each with "
            "gaussian_gram."
        )
    product = grams[0].double()
    for gram in grams[1:]:
        product = product * gram
    trace = float(product.diagonal().sum())
    if order == 2:
        return -math.log(float(product.square().sum()) / trace**2)
    return eigenvalue_entropy(torch.linalg.eigvalsh(product) / trace, order)


def eigenvalue_entropy(eigenvalues: Tensor, order: float) -> float:
    """Renyi's entropy of shares, nats; those below 0 are rounding errors of 0."""
    shares = eigenvalues.clamp_min(0)
    if order == 1:
        return float(torch.special.entr(shares).sum())
    return math.log(float(shares.pow(order).sum())) / (1 - order)
