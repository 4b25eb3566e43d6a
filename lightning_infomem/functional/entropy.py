"""Entropy of single units from a histogram of their values."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import check_choice, check_count, check_finite, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.functional.standardization import scale_to_one
from lightning_infomem.functional.usable_samples import usable_samples

__all__ = ["bin_edges", "bin_numbers", "binned_entropy", "check_value_range", "entropy_of_bins"]

_ELEMENTS_AT_ONCE = 1 << 22


def binned_entropy(samples: Tensor, *, bins: int = 100, value_range: str | tuple[float, float] = "unit") -> Tensor:
    """Estimate the entropy of every unit from a histogram of equal bins.

    The range of the bins decides what is measured: with its own range, a unit's scale does not matter; with a common
    range, it does. Do not compare entropies for different numbers of samples or bins: the estimate grows with both.

    Args:
        samples: ``[samples, units]``, floating point, any device; bin indices are computed in float64.
        bins: Number of bins, at least 1.
        value_range: Range of the bins: "unit" (each unit's minimum to maximum), "layer" (the range of all units) or
            fixed numbers ``(low, high)``. Values outside a fixed range fall into the outermost bins.

    Returns:
        float64 ``[units]`` in nats, between 0 and ``ln(min(bins, samples))``. A constant unit has entropy 0, as
        have all units if the range has width zero. Rows with a non-finite value are dropped for all units, with a
        warning. A unit without any finite value gives NaN.

    Raises:
        TypeError: ``samples`` is not a floating-point tensor.
        ValueError: The shape is wrong, no row is finite, or the range is unknown.

    Cost:
        Time and memory linear in the number of elements; temporary memory at most 2**22 elements at a time.

    Reference:
        Measures of Information Reflect Memorization Patterns (2022), eq. 1, with the bins of `numpy.histogram`.
        Departure: its algorithm 2 divides by the number of samples once more, which is a misprint.

    >>> samples = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    >>> round(binned_entropy(samples, bins=2).item(), 4)  # two bins of two samples: ln 2
    0.6931
    """
    check_count(bins, name="bins")
    check_value_range(value_range, choices=("unit", "layer"))
    kept, _, live_units = usable_samples(samples)
    low, high = bin_edges(kept, value_range)
    entropies = torch.empty(kept.shape[1], dtype=torch.float64, device=samples.device)
    units = max(1, _ELEMENTS_AT_ONCE // len(kept))
    for start in range(0, len(entropies), units):
        part = slice(start, start + units)
        numbers = bin_numbers(kept[:, part], low[part], high[part], bins)
        entropies[part] = torch.where(low[part] == high[part], 0.0, entropy_of_bins(numbers, bins))
    result = torch.full((samples.shape[1],), math.nan, dtype=torch.float64, device=samples.device)
    result[live_units] = entropies
    return result


def check_value_range(value_range: object, *, choices: tuple[str, ...]) -> None:
    """Require one of the named ranges, or a pair of finite numbers that increase."""
    if isinstance(value_range, str):
        check_choice(value_range, name="value_range", choices=choices)
    elif isinstance(value_range, (tuple, list)) and len(value_range) == 2:
        low, high = (check_finite(edge, name="value_range") for edge in value_range)
        if low > high:
            raise UsageValueError(f"value_range: low <= high is required, got ({low}, {high}); swap them.")
    else:
        named = ", ".join(map(repr, choices))
        raise UsageTypeError(f"value_range: {named} or (low, high) is required, got {describe(value_range)}.")


def bin_edges(samples: Tensor, value_range: str | tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Return the lower and the upper end of the bins of each unit, both float64 ``[units]``; see `binned_entropy`."""
    low, high = (edge.double() for edge in samples.aminmax(dim=0))
    if value_range == "layer":
        return low.min().expand_as(low), high.max().expand_as(high)
    if isinstance(value_range, str):
        return low, high
    return torch.full_like(low, value_range[0]), torch.full_like(high, value_range[1])


def bin_numbers(samples: Tensor, low: Tensor, high: Tensor, bins: int) -> Tensor:
    """Return the bin of each value, int64 ``[samples, units]``, from 0 to ``bins - 1``."""
    magnitude = torch.maximum(low.abs(), high.abs())
    values, low, high = (scale_to_one(edge, magnitude) for edge in (samples.double(), low, high))
    width = torch.where(low == high, 1.0, (high - low) / bins)
    index = ((values - low) / width).floor_().clamp_(0, bins - 1)
    # Like numpy, compare with the edges: rounding may have put a value on the wrong side of one.
    index -= ((values < index * width + low) & (index > 0)).double()
    index += ((values >= (index + 1) * width + low) & (index < bins - 1)).double()
    return index.long()


def entropy_of_bins(numbers: Tensor, bins: int) -> Tensor:
    """Compute the entropy of the bins that occur in each column, float64 ``[units]``, nats."""
    num_samples, num_units = numbers.shape
    offsets = torch.arange(num_units, device=numbers.device) * bins
    counts = torch.bincount((numbers + offsets).flatten(), minlength=num_units * bins).view(num_units, bins).double()
    entropy: Tensor = math.log(num_samples) - torch.special.xlogy(counts, counts).sum(1) / num_samples
    return entropy.clamp_min(0.0)
