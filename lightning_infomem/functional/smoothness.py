"""How alike the predictions of neighbouring samples are."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, check_enough_samples, check_samples, describe
from lightning_infomem.functional.standardization import finite_samples, scale_to_one

__all__ = ["prediction_smoothness"]

_CHUNK = 2**22  # distances at a time: 32 MiB
_ROUNDING = 1e-9  # of a squared distance, a unit


def prediction_smoothness(samples: Tensor, logits: Tensor, *, neighbors: int = 5) -> Tensor:
    """How much more alike the predictions of neighbours are than those of any two samples.

    A network that has learned what inputs share predicts alike what lies close together; one that stores single
    examples bends its predictions around them, and the value falls while it does. It needs no labels. Do not compare
    it between data sets or layers: follow it along one run.

    Args:
        samples: ``[samples, units]`` of one layer, floating point, any device; each unit counts alike, whatever its
            scale. The arithmetic is float64.
        logits: ``[samples, classes]`` of the same inputs, at least 2 classes, floating point, same device.
        neighbors: how many nearest other samples are compared with each, Euclidean, and all that are as near as the
            last of them.

    Returns:
        float64 scalar tensor: 1 minus the mean squared distance between the probabilities of neighbours, as a share of
        that between any two samples. 1 where neighbours are predicted exactly alike, about 0 where they are as unlike
        as any; NaN where all predictions are the same. Rows with a non-finite value in either are dropped; a unit
        without any finite value, and a constant one, tell no distance.

    Raises:
        TypeError: no floating-point tensors, or ``neighbors`` no integer.
        ValueError: wrong shapes, unlike lengths, or not more finite rows than ``neighbors``.

    Cost:
        ``samples**2 * units``; memory 32 MiB beyond copies of the input.

    Reference:
        Geary (1954), The contiguity ratio and statistical mapping, The Incorporated Statistician 5:115, whose ratio,
        summed over classes, is subtracted from 1. That it tells memorization along a run is a finding of ours.

    >>> x = torch.arange(-30.0, 30)[:, None]
    >>> round(prediction_smoothness(x, torch.cat([x, -x], dim=1) / 9).item(), 2)
    0.99
    >>> round(prediction_smoothness(x, torch.eye(2)[torch.arange(60) % 2]).item(), 2)  # one class beside the other
    -0.3
    """
    check_samples(samples)
    check_samples(logits, name="logits")
    check_count(neighbors, name="neighbors")
    if len(samples) != len(logits) or logits.shape[1] < 2:
        raise ValueError(
            f"logits: one row for each of {len(samples)} samples and at least 2 columns are required, got "
            f"{describe(logits)}."
        )
    known = logits.isfinite().all(1)
    units, finite_rows, _ = finite_samples(samples[known])
    check_enough_samples(len(units), neighbors, dropped=len(samples) - len(units))
    units, probabilities = _standardised(units), logits[known][finite_rows].double().softmax(1)
    centred = probabilities - probabilities.mean(0)
    count = len(units)
    among_all = 2 * centred.square().sum() / (count - 1)
    among_near = torch.zeros_like(among_all)
    norms = units.square().sum(1)
    rows = max(1, _CHUNK // count)
    for start in range(0, count, rows):
        some = torch.arange(start, min(start + rows, count), device=units.device)
        squares = norms[some, None] + norms - 2 * units[some] @ units.T
        squares[torch.arange(len(some)), some] = math.inf
        # A tolerance, since a product of matrices rounds equal distances apart.
        is_near = squares <= squares.kthvalue(neighbors, dim=1, keepdim=True).values + _ROUNDING * units.shape[1]
        which, near = is_near.nonzero(as_tuple=True)
        apart = (probabilities[some[which]] - probabilities[near]).square().sum(1)
        among_near += (apart / is_near.sum(1)[which]).sum()
    return 1 - among_near / count / among_all


def _standardised(units: Tensor) -> Tensor:
    """Units of mean 0 and deviation 1, without those that are constant."""
    scaled = scale_to_one(units.double(), units.double().abs().amax(0))
    deviations = scaled.std(0, correction=0)
    is_live = scaled.amax(0) > scaled.amin(0)
    scaled = scaled[:, is_live] / deviations[is_live]
    return scaled - scaled.mean(0)
