"""Entropy of single units from a histogram of their values."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem._checks import check_choice, check_count, check_finite, check_samples, describe
from lightning_infomem.functional.standardization import finite_samples, scale_to_one, warn_of_dropped

__all__ = ["CONVENTIONS", "binned_entropy", "check_value_range"]

# "standard" is what is right; "released_code" what the paper's program computes, to be compared with its numbers.
CONVENTIONS = ("standard", "released_code")

_ELEMENTS_AT_ONCE = 1 << 22


def binned_entropy(
    samples: Tensor,
    *,
    bins: int = 100,
    value_range: str | tuple[float, float] = "unit",
    convention: str = "standard",
) -> Tensor:
    """Estimate the entropy of every unit from a histogram of equal bins.

    The range of the bins decides what is measured: a unit's own range is blind to its scale, a common range sees it.
    Do not compare entropies of different numbers of samples or bins: the estimate grows with both.

    Args:
        samples: ``[samples, units]``, floating point, any device; bin indices are computed in float64.
        bins: number of bins, at least 1.
        value_range: "unit" (each unit's own minimum to maximum), "layer" (one range over all units) or fixed numbers
            ``(low, high)``; values beyond fixed numbers count into the outermost bins.
        convention: "standard", or "released_code", for parity with the paper's program only: there the upper end of
            the range is a bin of its own, one more than ``bins``.

    Returns:
        float64 ``[units]`` in nats, between 0 and ``ln(min(bins, samples))``. A constant unit has entropy 0, and so
        have all in a range of width zero. Rows with a non-finite value are dropped for all units, with a warning; a
        unit without any finite value gives NaN.

    Raises:
        TypeError: ``samples`` is no floating-point tensor.
        ValueError: wrong shape, no finite row, or an unknown range or convention.

    Cost:
        Time and memory linear in the number of elements; temporary memory at most 2**22 elements at a time.

    Reference:
        Measures of Information Reflect Memorization Patterns (2022), eq. 1, with the bins of `numpy.histogram`.
        Departure: its algorithm 2 divides by the number of samples once more, a misprint.

    >>> samples = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    >>> round(binned_entropy(samples, bins=2).item(), 4)  # two bins of two samples: ln 2
    0.6931
    """
    check_samples(samples)
    check_count(bins, name="bins")
    check_value_range(value_range, choices=("unit", "layer"))
    check_choice(convention, name="convention", choices=CONVENTIONS)
    kept, finite_rows, live_units = finite_samples(samples)
    warn_of_dropped(finite_rows)
    if len(kept) == 0:
        raise ValueError(f"samples: a row of finite values is required, got {describe(samples)} without any.")
    result = torch.full((samples.shape[1],), math.nan, dtype=torch.float64, device=samples.device)
    low, high = kept.aminmax(dim=0)
    if value_range == "layer":
        low, high = low.min().expand_as(low), high.max().expand_as(high)
    elif not isinstance(value_range, str):
        low, high = (torch.full(low.shape, edge, dtype=torch.float64, device=low.device) for edge in value_range)
    entropies = torch.empty(kept.shape[1], dtype=torch.float64, device=samples.device)
    units = max(1, _ELEMENTS_AT_ONCE // len(kept))
    for start in range(0, len(entropies), units):
        part = slice(start, start + units)
        entropies[part] = _histogram_entropy(
            kept[:, part], low[part], high[part], bins, top_bin=convention == "released_code"
        )
    result[live_units] = entropies
    return result


def check_value_range(value_range: object, *, choices: tuple[str, ...]) -> None:
    """Require one of the named ranges, or a pair of finite numbers that increase."""
    if isinstance(value_range, str):
        check_choice(value_range, name="value_range", choices=choices)
    elif isinstance(value_range, (tuple, list)) and len(value_range) == 2:
        low, high = (check_finite(edge, name="value_range") for edge in value_range)
        if low > high:
            raise ValueError(f"value_range: low <= high is required, got ({low}, {high}); swap them.")
    else:
        named = ", ".join(map(repr, choices))
        raise TypeError(f"value_range: {named} or (low, high) is required, got {describe(value_range)}.")


def _histogram_entropy(samples: Tensor, low: Tensor, high: Tensor, bins: int, *, top_bin: bool) -> Tensor:
    low, high = low.double(), high.double()
    magnitude = torch.maximum(low.abs(), high.abs())
    values, low, high = (scale_to_one(edge, magnitude) for edge in (samples.double(), low, high))
    constant = low == high
    width = torch.where(constant, 1.0, (high - low) / bins)
    index = ((values - low) / width).floor_().clamp_(0, bins - 1)
    # As numpy does: where rounding put a value on the wrong side of an edge, the edge decides.
    index -= ((values < index * width + low) & (index > 0)).double()
    index += ((values >= (index + 1) * width + low) & (index < bins - 1)).double()
    if top_bin:
        index[values >= high] = bins
        bins += 1
    num_samples, num_units = values.shape
    index += torch.arange(num_units, device=values.device) * bins
    counts = torch.bincount(index.long().flatten(), minlength=num_units * bins).view(num_units, bins).double()
    entropy = math.log(num_samples) - torch.special.xlogy(counts, counts).sum(1) / num_samples
    return torch.where(constant, 0.0, entropy.clamp_min(0.0))
