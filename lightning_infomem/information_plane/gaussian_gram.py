"""Gram matrices of Gaussian kernels, and rules for the kernel width."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from lightning_infomem._checks import check_finite

__all__ = ["check_width", "distance_rows", "gaussian_gram", "label_gram", "rule_width", "squared_distances"]

_CHUNK_BYTES = 1 << 26


def check_width(value: float | None, *, name: str) -> None:
    """Require a positive width, or None for a width chosen from the data."""
    if value is not None:
        check_finite(value, name=name, above=0, remedy="None chooses one from the data")


def rule_width(samples: Tensor) -> float:
    """Kernel width by Silverman's rule, with the spread of the whole layer in place of that of one unit.

    The width is ``sqrt(2 V) (4 / ((d + 2) N))^(1 / (d + 4))`` for ``d`` units whose variances sum to ``V``. For one
    unit this is exactly Silverman's rule, whose bandwidth ``h`` for a normal density is ``width / sqrt(2)``. For many
    units it is close to the typical distance between two samples. A constant layer gets width 1, since all widths give
    it the same kernel.

    Args:
        samples: float ``[samples, units]``.
    """
    num_samples, units = samples.shape
    spread = float(samples.double().var(0, unbiased=True).sum())
    width = math.sqrt(2 * spread) * (4 / ((units + 2) * num_samples)) ** (1 / (units + 4))
    return width if width > 0 else 1.0


def distance_rows(samples: Tensor, *, chunk: int | None = None) -> Iterator[tuple[slice, Tensor]]:
    """Yield the matrix of squared Euclidean distances, a block of rows at a time.

    Args:
        samples: float ``[samples, units]``.
        chunk: Number of rows per block; by default as many as fit in 64 MiB.

    Yields:
        The slice of rows, and float64 ``[rows, samples]``: a new tensor that the caller may overwrite.

    Cost:
        Time ``samples^2 * units``. Distances are exact up to the rounding of the squared norms about the mean.
    """
    centred = samples.double() - samples.double().mean(0)  # large means would cost precision
    norms = (centred * centred).sum(1)
    chunk = chunk or max(1, _CHUNK_BYTES // (8 * len(centred)))
    for start in range(0, len(centred), chunk):
        rows = slice(start, min(start + chunk, len(centred)))
        block = torch.addmm(norms[None], centred[rows], centred.T, alpha=-2).add_(norms[rows, None]).clamp_min_(0)
        block.diagonal(start).zero_()  # distance of a sample to itself
        yield rows, block


def squared_distances(samples: Tensor) -> Tensor:
    """Return all squared Euclidean distances (Frobenius for feature maps), float64 ``[samples, samples]``."""
    distances = torch.empty(len(samples), len(samples), dtype=torch.float64, device=samples.device)
    for rows, block in distance_rows(samples.flatten(1)):
        distances[rows] = block
    return distances


def gaussian_gram(samples: Tensor, width: float) -> Tensor:
    """Gaussian Gram matrix ``exp(-d^2 / width^2)`` for the Euclidean (for feature maps, Frobenius) distance d.

    For the convention ``exp(-d^2 / s)`` pass ``width = sqrt(s)``; for ``exp(-d^2 / (2 s^2))`` pass
    ``width = sqrt(2) s``.

    Args:
        samples: float ``[samples, ...]``.
        width: Positive kernel width, in the unit of the samples.

    Returns:
        float64 ``[samples, samples]``.

    >>> gaussian_gram(torch.tensor([[0.0], [2.0]]), 2.0)[0, 1].log()
    tensor(-1., dtype=torch.float64)
    """
    return squared_distances(samples).mul_(-1 / width**2).exp_()


def label_gram(labels: Tensor, width: float) -> Tensor:
    """Gaussian Gram matrix of one-hot labels: 1 within a class, ``exp(-2 / width^2)`` between classes.

    Args:
        labels: Integer ``[samples]``.
        width: Positive kernel width.
    """
    same = (labels[:, None] == labels[None]).double()
    between = math.exp(-2 / width**2)
    return same.mul_(1 - between).add_(between)
