"""Pearson correlation of all pairs of units."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_infomem.functional.standardization import scale_to_one
from lightning_infomem.functional.usable_samples import among_all_units, usable_samples

__all__ = ["correlation"]


def correlation(samples: Tensor) -> Tensor:
    """Compute Pearson's correlation of all pairs of units.

    It is the cheapest measure of dependence and a baseline for mutual information. Do not use it for nonlinear
    dependence: a unit and its square may have zero correlation.

    Args:
        samples: ``[samples, units]``, floating point, any device; computed in float64.

    Returns:
        float64 ``[units, units]``, symmetric, between -1 and 1, on the device of ``samples``. The diagonal is exactly
        1. A constant unit has 0 with every other unit. Rows with a non-finite value are dropped for all units, with a
        warning; a unit without any finite value gives NaN in its row and column.

    Raises:
        TypeError: If ``samples`` is not a floating-point tensor.
        ValueError: If the shape is wrong or no row is finite.

    Cost:
        One matrix product, ``samples * units**2``. Memory: two float64 copies of the input and of the result.

    >>> samples = torch.tensor([[0.0, 3.0, 0.0], [1.0, 2.0, 2.0], [2.0, 1.0, 1.0]])
    >>> correlation(samples).round(decimals=4).tolist()
    [[1.0, -1.0, 0.5], [-1.0, 1.0, -0.5], [0.5, -0.5, 1.0]]
    """
    kept, _, live_units = usable_samples(samples)
    return among_all_units(_correlation(kept.detach().T.double()), live_units)


def _correlation(columns: Tensor) -> Tensor:
    """Correlation for finite float64 ``[units, samples]``."""
    low, high = columns.aminmax(dim=1, keepdim=True)
    centred = scale_to_one(columns, torch.maximum(low.abs(), high.abs()))
    centred = centred - centred.mean(1, keepdim=True)
    centred -= centred.mean(
        1, keepdim=True
    )  # removes the rounding error of the first mean, which matters if the values hardly differ
    centred /= centred.norm(dim=1, keepdim=True)
    centred.masked_fill_(low == high, 0.0)
    product = centred @ centred.T
    product = ((product + product.T) / 2).clamp_(-1.0, 1.0)  # a matrix product is not guaranteed to be symmetric
    return product.fill_diagonal_(1.0)
