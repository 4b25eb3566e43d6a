"""Units brought to a standard normal distribution by their ranks."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem.functional.standardization import warn_of_dropped
from lightning_infomem.functional.usable_samples import usable_samples

__all__ = ["normal_scores"]


def normal_scores(samples: Tensor) -> Tensor:
    """Replace every value by the quantile of a standard normal that its rank among the samples has.

    Mutual information does not change under increasing maps of a unit, but its estimates do: on normal scores they are
    blind to the marginal distribution, outliers included. Do not use it where the distances between values matter.

    Args:
        samples: ``[samples, units]``, floating point, any device.

    Returns:
        float64 ``[samples, units]``, on the device of ``samples``: ``Phi^-1(rank / (samples + 1))``, ranks from 1. Tied
        values share the mean of their ranks, so a constant unit is 0. Rows with a non-finite value have no rank: they
        are NaN in all units, with a warning; so is a unit without any finite value.

    Raises:
        TypeError: ``samples`` is no floating-point tensor.
        ValueError: wrong shape, or no finite row.

    Cost:
        Time ``units * samples * log(samples)``; memory about five float64 copies of the input.

    Reference:
        van der Waerden (1952), Order tests for the two-sample problem and their power.

    >>> normal_scores(torch.tensor([[3.0], [1.0], [20.0]])).round(decimals=4).flatten().tolist()
    [0.0, -0.6745, 0.6745]
    """
    kept, finite_rows, live_units = usable_samples(samples)
    warn_of_dropped(finite_rows)
    scores: Tensor = torch.special.ndtri(_ranks(kept.detach().T.double().contiguous()) / (len(kept) + 1)).T
    if len(kept) == len(samples) and scores.shape == samples.shape:
        return scores.contiguous()
    result = torch.full(samples.shape, math.nan, dtype=torch.float64, device=samples.device)
    result[finite_rows.nonzero(), live_units.nonzero()[:, 0]] = scores
    return result


def _ranks(columns: Tensor) -> Tensor:
    """Mean ranks from 1 of float64 ``[units, samples]``, contiguous."""
    ordered = columns.sort(dim=1).values
    smaller = torch.searchsorted(ordered, columns)
    not_larger = torch.searchsorted(ordered, columns, right=True)
    return (smaller + not_larger + 1).double() / 2
