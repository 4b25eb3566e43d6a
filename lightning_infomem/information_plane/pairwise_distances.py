"""Squared Euclidean distances between all samples, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["check_affordable", "squared_distances"]

_MEMORY_LIMIT = 2**25  # bytes of a block


def squared_distances(
    samples: Tensor, others: Tensor | None = None, *, memory_limit: int = _MEMORY_LIMIT
) -> Iterator[tuple[slice, Tensor]]:
    """Squared distances of some samples to all others, block after block.

    All arithmetic is float64, whatever comes: |a|^2 + |b|^2 - 2 ab leaves nothing of the distance of two samples that
    are nearer than their norms times the root of the rounding, which of float32 is a thousandth, and more of a wide
    layer. The mean is taken off first, so that the norms are those of the layer's extent. What remains of the rounding
    is taken off each square, too: equal samples are at distance 0 exactly, and so are samples that differ by less than
    some 1e-7 of their distance from the mean.

    Args:
        samples: float ``[samples, units]``, any device.
        others: float ``[others, units]``, same device; None: the samples themselves.
        memory_limit: bytes of a block, of which at least one row is given; a caller that makes temporary tensors of a
            block needs as much for each.

    Yields:
        Which rows of the samples they are, in their order, and float64 ``[rows, others]``, at least 0, that the caller
        may change.

    Cost:
        ``samples * others * units``; memory a float64 copy of samples and others beside the block.

    >>> [(rows, block)] = squared_distances(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    >>> [[round(value, 6) for value in row] for row in block.tolist()]
    [[0.0, 25.0], [25.0, 0.0]]
    """
    columns = (samples if others is None else others).double()
    mean = columns.mean(0)
    columns = columns - mean
    rows_of_all = columns if others is None else samples.double() - mean
    # Two sums of as many products, added in different orders, differ by so much of the norms.
    rounding = (8 + samples.shape[1] / 8) * torch.finfo(torch.float64).eps
    column_norms = columns.square().sum(1) * (1 - rounding)
    row_norms = column_norms if others is None else rows_of_all.square().sum(1) * (1 - rounding)
    step = max(1, memory_limit // (8 * len(columns)))
    for start in range(0, len(rows_of_all), step):
        rows = slice(start, min(start + step, len(rows_of_all)))
        block = (rows_of_all[rows] * -2) @ columns.T
        yield rows, block.add_(row_norms[rows, None]).add_(column_norms).clamp_min_(0)


def check_affordable(num_samples: int, max_samples: int, *, estimator: str) -> None:
    """Require no more samples than a method whose time grows with their square may take.

    Raises:
        ValueError: more of them.
    """
    if num_samples > max_samples:
        raise ValueError(
            f"{estimator}: hidden: at most max_samples={max_samples} samples are required, for time grows with their "
            f"square, got {num_samples}; pass some of them, or raise max_samples and wait."
        )
