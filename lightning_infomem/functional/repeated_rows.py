"""Warn of rows that occur more than once, because estimators of distances take a copy for the nearest neighbour."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

__all__ = ["count_repeated_rows", "warn_of_repeated_rows"]

_SHARE = 0.05
# Fewer units than this tie honestly: those of a ReLU in their zeros, and those in bfloat16 in their few values.
_FEWEST_UNITS = 8
# As many units of a row must be above their lowest value: a row of zeros after a ReLU is no copy. Three values in
# bfloat16 hold as many bits as one in float32.
_FEWEST_ABOVE_LOWEST = 3
# Units hashed at once. It bounds the memory for 8-byte products.
_UNITS_AT_ONCE = 64


def count_repeated_rows(samples: Tensor) -> int:
    """Count the rows that equal an earlier row in all units that are not constant.

    Args:
        samples: ``[samples, units]``, finite, floating point, any device.

    Returns:
        The number of repeats. It is 0 if fewer than eight units are not constant. A row in which fewer than three units
        are above their lowest value is no repeat.

    Cost:
        A few operations per value and a sort of one number per row. Two different rows are taken for equal with a
        probability of about ``2**-40``.

    >>> rows = torch.arange(80.0).reshape(10, 8)
    >>> count_repeated_rows(rows), count_repeated_rows(torch.cat([rows, rows[6:]])), count_repeated_rows(rows[:, :7])
    (0, 4, 0)
    """
    samples = samples.detach()
    low, high = samples.aminmax(dim=0)
    live = low < high
    if int(live.sum()) < _FEWEST_UNITS:
        return 0
    hashes = torch.zeros(len(samples), dtype=torch.int64, device=samples.device)
    num_above = torch.zeros_like(hashes)
    generator = torch.Generator().manual_seed(0)  # of its own: the global one belongs to the user
    # Odd, so that multiplication loses no bit; a constant unit gets 0 and does not count.
    factors = torch.randint(-(2**62), 2**62, (samples.shape[1],), generator=generator) * 2 + 1
    factors = torch.where(live, factors.to(samples.device), 0)
    for start in range(0, samples.shape[1], _UNITS_AT_ONCE):
        units = slice(start, start + _UNITS_AT_ONCE)
        block = samples[:, units]
        num_above += (block > low[units]).sum(1)
        bits = _bits(block)
        # The last bits of short numbers are all zero, and those of a product too: bring the first bits down.
        hashes += ((bits ^ (bits >> 32)) * factors[units]).sum(1)
    hashes = hashes[num_above >= _FEWEST_ABOVE_LOWEST].sort().values
    return int((hashes[1:] == hashes[:-1]).sum())


def warn_of_repeated_rows(samples: Tensor, *, stacklevel: int = 3) -> None:
    """Warn if more than 5 % of the rows are repeats; by default, the warning points two calls up.

    Args:
        samples: See `count_repeated_rows`.
        stacklevel: Stack level of the warning.
    """
    most = _SHARE * len(samples)
    unit = samples[:, 0].sort().values
    if int((unit[1:] == unit[:-1]).sum()) <= most:  # rows repeat no more often than the values of one unit
        return
    repeats = count_repeated_rows(samples)
    if repeats > most:
        warnings.warn(
            f"samples: {repeats} of {len(samples)} rows repeat an earlier row. Copies are taken for nearest "
            "neighbours, which makes estimates wrong, often by whole nats. Measure each input once; "
            "samples.unique(dim=0) removes the copies.",
            stacklevel=stacklevel,
        )


def _bits(values: Tensor) -> Tensor:
    """Return the bits of finite values as int64; equal values have equal bits, and so have the two zeros."""
    if values.dtype == torch.float64:
        return (values + 0.0).contiguous().view(torch.int64)
    # Shifted up, because 32 bits would vanish where the first bits are brought down.
    return (values.float() + 0.0).contiguous().view(torch.int32).long() << 32
