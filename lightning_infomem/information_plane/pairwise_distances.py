"""Squared Euclidean distances between all samples, one block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["squared_distances"]

_MEMORY_LIMIT = 2**25  # bytes per block


def squared_distances(
    samples: Tensor, others: Tensor | None = None, *, memory_limit: int = _MEMORY_LIMIT
) -> Iterator[tuple[slice, Tensor]]:
    """Yield squared distances from samples to all others, one block of rows at a time.

    All arithmetic is float64, whatever the dtype of the samples. |a|^2 + |b|^2 - 2 ab loses the distance of two samples
    closer than their norms times the square root of the rounding error, which for float32 is about a thousandth, and
    more for a wide layer. The mean is subtracted first, so that the norms reflect the extent of the layer. The
    remaining rounding error is subtracted from each square: equal samples have distance exactly 0, and so do samples
    that differ by less than about 1e-7 of their distance from the mean.

    Args:
        samples: float ``[samples, units]``, any device.
        others: float ``[others, units]``, same device; None uses the samples themselves.
        memory_limit: Bytes per block; a block has at least one row. Each temporary tensor that the caller derives from
            a block needs as much again.

    Yields:
        The slice of rows, in order, and float64 ``[rows, others]``, at least 0, which the caller may overwrite.

    Cost:
        Time ``samples * others * units``. Memory: a float64 copy of samples and others, plus the block.

    >>> [(rows, block)] = squared_distances(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    >>> [[round(value, 6) for value in row] for row in block.tolist()]
    [[0.0, 25.0], [25.0, 0.0]]
    """
    columns = (samples if others is None else others).double()
    mean = columns.mean(0)
    columns = columns - mean
    rows_of_all = columns if others is None else samples.double() - mean
    # Relative difference of two sums of this many products that are added in different orders.
    rounding = (8 + samples.shape[1] / 8) * torch.finfo(torch.float64).eps
    column_norms = columns.square().sum(1) * (1 - rounding)
    row_norms = column_norms if others is None else rows_of_all.square().sum(1) * (1 - rounding)
    step = max(1, memory_limit // (8 * len(columns)))
    for start in range(0, len(rows_of_all), step):
        rows = slice(start, min(start + step, len(rows_of_all)))
        block = (rows_of_all[rows] * -2) @ columns.T
        yield rows, block.add_(row_norms[rows, None]).add_(column_norms).clamp_min_(0)
