"""Gram matrices of Gaussian kernels, and how wide a kernel is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["check_width", "distance_rows", "gaussian_gram", "label_gram", "rule_width", "squared_distances"]

_CHUNK_BYTES = 1 << 26


def check_width(value: float | None, *, name: str) -> None:
    """Require a positive width, or None where one is chosen by the data."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise TypeError(f"{name}: a positive number is required, got {type(value).__name__} {value!r}; 1.0 is one.")
    if value is not None and not 0 < value < math.inf:
        raise ValueError(f"{name}: a positive number is required, got {value!r}; or None, for a width by a rule.")


def rule_width(samples: Tensor) -> float:
    """Silverman's width, with the spread of the whole layer in the place of that of a unit.

    ``sqrt(2 V) (4 / ((d + 2) N))^(1 / (d + 4))`` of ``d`` units whose variances sum to ``V``: for one unit exactly
    Silverman's (its normal density ``h`` is our ``width / sqrt(2)``), for many units near the typical distance between
    two samples. That of a constant layer is 1; there all widths give the same kernel.

    Args:
        samples: float ``[samples, units]``.
    """
    num_samples, units = samples.shape
    spread = float(samples.double().var(0, unbiased=True).sum())
    width = math.sqrt(2 * spread) * (4 / ((units + 2) * num_samples)) ** (1 / (units + 4))
    return width if width > 0 else 1.0


def distance_rows(samples: Tensor, *, chunk: int | None = None) -> Iterator[tuple[slice, Tensor]]:
    """Squared Euclidean distances, some rows of their matrix at a time.

    Args:
        samples: float ``[samples, units]``.
        chunk: rows at a time; by default 64 MiB of them.

    Yields:
        Which rows, and float64 ``[rows, samples]``: a tensor of its own, which the caller may overwrite.

    Cost:
        ``samples^2 * units`` in time. Distances are exact to the rounding of the squared norms about the mean.
    """
    centred = samples.double() - samples.double().mean(0)  # large means would cost digits
    norms = (centred * centred).sum(1)
    chunk = chunk or max(1, _CHUNK_BYTES // (8 * len(centred)))
    for start in range(0, len(centred), chunk):
        rows = slice(start, min(start + chunk, len(centred)))
        block = torch.addmm(norms[None], centred[rows], centred.T, alpha=-2).add_(norms[rows, None]).clamp_min_(0)
        block.diagonal(start).zero_()  # of a sample to itself
        yield rows, block


def squared_distances(samples: Tensor) -> Tensor:
    """All squared Euclidean (of feature maps, Frobenius) distances, float64 ``[samples, samples]``."""
    distances = torch.empty(len(samples), len(samples), dtype=torch.float64, device=samples.device)
    for rows, block in distance_rows(samples.flatten(1)):
        distances[rows] = block
    return distances


def gaussian_gram(samples: Tensor, width: float) -> Tensor:
    """``exp(-d^2 / width^2)`` of all pairs, d their Euclidean (of feature maps, Frobenius) distance.

    Others write ``exp(-d^2 / s)``: that is ``width = sqrt(s)``; or ``exp(-d^2 / (2 s^2))``: ``width = sqrt(2) s``.

    Args:
        samples: float ``[samples, ...]``.
        width: positive, in the unit of the samples.

    Returns:
        float64 ``[samples, samples]``.

    >>> gaussian_gram(torch.tensor([[0.0], [2.0]]), 2.0)[0, 1].log()
    tensor(-1., dtype=torch.float64)
    """
    return squared_distances(samples).mul_(-1 / width**2).exp_()


def label_gram(labels: Tensor, width: float) -> Tensor:
    """The same of one-hot labels: 1 within a class, ``exp(-2 / width^2)`` between classes.

    Args:
        labels: integers ``[samples]``.
        width: positive.
    """
    same = (labels[:, None] == labels[None]).double()
    between = math.exp(-2 / width**2)
    return same.mul_(1 - between).add_(between)
