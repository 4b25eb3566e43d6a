"""Rank-based transformation of units to a standard normal distribution."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem.functional.usable_samples import usable_samples

__all__ = ["normal_scores"]


def normal_scores(samples: Tensor) -> Tensor:
    """Replace every value by the standard normal quantile of its rank among the samples.

    Mutual information is invariant under increasing maps of a unit, but its estimates are not. On normal scores they
    ignore the marginal distribution, including outliers. Do not use it if the distances between values matter.

    Args:
        samples: ``[samples, units]``, floating point, any device.

    Returns:
        float64 ``[samples, units]``, on the device of ``samples``: ``Phi^-1(rank / (samples + 1))``, with ranks from 1.
        Tied values share their mean rank, so a constant unit is 0. A row with a non-finite value is NaN in all units,
        with a warning; so is a unit without any finite value.

    Raises:
        TypeError: If ``samples`` is not a floating-point tensor.
        ValueError: If the shape is wrong or no row is finite.

    Cost:
        Time ``units * samples * log(samples)``. Memory: about five float64 copies of the input.

    Reference:
        van der Waerden (1952), Order tests for the two-sample problem and their power.

    >>> normal_scores(torch.tensor([[3.0], [1.0], [20.0]])).round(decimals=4).flatten().tolist()
    [0.0, -0.6745, 0.6745]
    """
    kept, finite_rows, live_units = usable_samples(samples)
    scores: Tensor = torch.special.ndtri(_ranks(kept.detach().T.double().contiguous()) / (len(kept) + 1)).T
    if len(kept) == len(samples) and scores.shape == samples.shape:
        return scores.contiguous()
    result = torch.full(samples.shape, math.nan, dtype=torch.float64, device=samples.device)
    result[finite_rows.nonzero(), live_units.nonzero()[:, 0]] = scores
    return result


def _ranks(columns: Tensor) -> Tensor:
    """Mean ranks, from 1, of contiguous float64 ``[units, samples]``."""
    ordered = columns.sort(dim=1).values
    smaller = torch.searchsorted(ordered, columns)
    not_larger = torch.searchsorted(ordered, columns, right=True)
    return (smaller + not_larger + 1).double() / 2
