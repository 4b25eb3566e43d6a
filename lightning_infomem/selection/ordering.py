"""From values per layer to one rank a checkpoint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

__all__ = ["median_ranks"]


def median_ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank within each layer, then by the median of these ranks; values of different layers are never pooled.

    Args:
        values: ``[layers, checkpoints]``, finite; lower is better.

    Returns:
        ``[checkpoints]``, from 1; ties of the median are broken by the mean rank, and those that remain share the
        smaller rank ("1, 2, 2, 4").

    >>> median_ranks(np.array([[0.3, 0.1, 0.2], [0.9, 0.5, 0.7], [2.0, 3.0, 2.5]])).tolist()
    [3, 1, 2]
    """
    ranks = rankdata(values, axis=1)  # equal values share the average of their ranks
    order = np.stack([np.median(ranks, axis=0), ranks.mean(axis=0)], axis=1)
    _, place = np.unique(order, axis=0, return_inverse=True)  # rows are compared by the median, then by the mean
    return np.asarray(rankdata(place.reshape(-1), method="min"), dtype=np.int64)
