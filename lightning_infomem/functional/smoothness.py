"""Similarity of the predictions of neighbouring samples."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, check_enough_samples, check_samples, describe
from lightning_infomem._errors import UsageValueError
from lightning_infomem.functional.standardization import finite_samples, scale_to_one

__all__ = ["prediction_smoothness"]

_CHUNK = 2**22  # distances at a time: 32 MiB
_ROUNDING = 1e-9  # tolerance of a squared distance, per unit


def prediction_smoothness(samples: Tensor, logits: Tensor, *, neighbors: int = 5) -> Tensor:
    """Measure how much more similar the predictions of neighbours are than those of arbitrary samples.

    A network that has learned common structure predicts similarly for nearby inputs. One that stores single examples
    bends its predictions around them, and the value falls as it does so. No labels are needed. Do not compare values
    between data sets or layers: follow one layer along one run.

    Args:
        samples: Activations of one layer, ``[samples, units]``, floating point, any device. Units are standardised, so
            each has equal weight. Computed in float64.
        logits: Logits of the same inputs, ``[samples, classes]``, at least 2 classes, floating point, same device.
        neighbors: Number of nearest other samples (Euclidean) to compare with each sample; samples tied with the last
            one are included.

    Returns:
        float64 scalar tensor: 1 minus the ratio of the mean squared distance between the probabilities of neighbours to
        that between arbitrary samples. 1 if neighbours have identical predictions, about 0 if they differ as much as
        any two samples, NaN if all predictions are equal. Rows with a non-finite value in either argument are dropped;
        a unit that is constant or has no finite value does not contribute to distances.

    Raises:
        TypeError: If an argument is not a floating-point tensor, or ``neighbors`` is not an integer.
        ValueError: If shapes or lengths do not match, or there are no more finite rows than ``neighbors``.

    Cost:
        Time ``samples**2 * units``. Memory: 32 MiB, plus copies of the input.

    Reference:
        Geary (1954), The contiguity ratio and statistical mapping, The Incorporated Statistician 5:115. We subtract his
        ratio, summed over classes, from 1. That it shows memorization along a run is our finding.

    >>> x = torch.arange(-30.0, 30)[:, None]
    >>> round(prediction_smoothness(x, torch.cat([x, -x], dim=1) / 9).item(), 2)
    0.99
    >>> round(prediction_smoothness(x, torch.eye(2)[torch.arange(60) % 2]).item(), 2)  # alternating classes
    -0.3
    """
    check_samples(samples)
    check_samples(logits, name="logits")
    check_count(neighbors, name="neighbors")
    if len(samples) != len(logits) or logits.shape[1] < 2:
        raise UsageValueError(
            f"logits: one row for each of {len(samples)} samples and at least 2 columns are required, got "
            f"{describe(logits)}; pass the logits of the same samples."
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
        # The tolerance is needed because a matrix product rounds equal distances differently.
        is_near = squares <= squares.kthvalue(neighbors, dim=1, keepdim=True).values + _ROUNDING * units.shape[1]
        which, near = is_near.nonzero(as_tuple=True)
        apart = (probabilities[some[which]] - probabilities[near]).square().sum(1)
        among_near += (apart / is_near.sum(1)[which]).sum()
    return 1 - among_near / count / among_all


def _standardised(units: Tensor) -> Tensor:
    """Units with mean 0 and deviation 1, without constant units."""
    scaled = scale_to_one(units.double(), units.double().abs().amax(0))
    deviations = scaled.std(0, correction=0)
    is_live = scaled.amax(0) > scaled.amin(0)
    scaled = scaled[:, is_live] / deviations[is_live]
    return scaled - scaled.mean(0)
