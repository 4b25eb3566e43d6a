"""Preparation of columns for neighbour search: finite values, equal scale, identical copies."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

__all__ = ["finite_samples", "scale_to_one", "standardized_columns", "warn_of_dropped"]

# Standardised units whose correlation is closer to +-1 than this differ by less than float32 rounding.
_COPY_TOLERANCE = 1e-12
_COPY_BLOCK = 512


def finite_samples(samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Drop units that are nowhere finite, then every row that still has a non-finite value.

    Args:
        samples: ``[samples, units]``, any floating-point dtype.

    Returns:
        The kept rows and units, and two bool masks: ``[samples]`` of the kept rows and ``[units]`` of the kept units.
    """
    finite = torch.isfinite(samples)
    if finite.numel() and bool(finite.all()):  # the common case in a tenth of the time
        return samples, finite[:, 0], finite[0]
    live_units = finite.any(0)
    finite_rows = finite[:, live_units].all(1) & live_units.any()  # without any live unit no row is kept
    if bool(live_units.all()) and bool(finite_rows.all()):
        return samples, finite_rows, live_units
    return samples[finite_rows][:, live_units], finite_rows, live_units


def warn_of_dropped(finite_rows: Tensor, *, stacklevel: int = 3) -> None:
    """Warn how many rows `finite_samples` dropped; by default, the warning points two calls up."""
    dropped = int((~finite_rows).sum())
    if dropped:
        message = f"samples: {dropped} of {len(finite_rows)} rows hold non-finite values and were dropped."
        warnings.warn(message, stacklevel=stacklevel)


def standardized_columns(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Scale each unit to mean 0 and standard deviation 1, because Chebyshev balls compare the scales of two units.

    A unit that is a copy of an earlier one is replaced by it; see `_unify_copies`. The arithmetic is float64. The
    result is float64 for float64 samples and float32 for all others, whose own rounding is coarser.

    Args:
        samples: ``[samples, units]``, finite.

    Returns:
        Contiguous ``[units, samples]``, and a bool mask ``[units]`` of the constant units, whose columns are zero.
    """
    columns = samples.detach().T.double().contiguous()
    low, high = columns.aminmax(dim=1, keepdim=True)
    constant = (low == high)[:, 0]
    # Powers of two scale without rounding, and keep huge and denormal values within float64 range below.
    columns = scale_to_one(columns, torch.maximum(low.abs(), high.abs()))
    # Sums over sorted, contiguous values: the last bit may break a tie and must not depend on sample order or layout.
    ordered = columns.sort(dim=1).values
    mean = ordered.mean(1, keepdim=True)
    columns = (columns - mean) / (ordered - mean).square().mean(1, keepdim=True).sqrt()
    columns[constant] = 0.0
    columns = _unify_copies(columns)
    return columns.to(samples.dtype if samples.dtype == torch.float64 else torch.float32).contiguous(), constant


def scale_to_one(values: Tensor, magnitude: Tensor) -> Tensor:
    """Multiply float64 ``values`` by the power of two that brings ``magnitude`` between 1/2 and 1, without rounding."""
    _, exponent = torch.frexp(magnitude)
    half = exponent // 2  # in two steps: the factor itself may exceed float64
    return values * torch.exp2(-half.double()) * torch.exp2((half - exponent).double())


def _unify_copies(columns: Tensor) -> Tensor:
    """Replace every unit that is a scaled, shifted or mirrored copy of an earlier one by that one.

    Rounding breaks ties between a unit and its copy at random, which moves their mutual information by up to
    ``1/k`` from that of identical units.

    Args:
        columns: float64 ``[units, samples]``, standardised.

    Returns:
        The same shape; constant (all-zero) columns are unchanged.
    """
    original = torch.arange(len(columns), device=columns.device)
    for start in range(0, len(columns), _COPY_BLOCK):
        block = columns[start : start + _COPY_BLOCK]
        alike = (block @ columns.T).abs_() / columns.shape[1] > 1 - _COPY_TOLERANCE
        members = torch.arange(len(block), device=columns.device)
        alike[members, start + members] = True
        original[start : start + _COPY_BLOCK] = alike.int().argmax(1)
    return columns[original]
