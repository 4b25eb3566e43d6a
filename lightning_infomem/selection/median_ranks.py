"""From values per layer to one rank per checkpoint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

__all__ = ["median_ranks"]


def median_ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank within each layer, then by the median of these ranks; values of different layers are never pooled.

    Args:
        values: Finite values, ``[layers, checkpoints]`` or ``[layers, checkpoints, draws]``; lower is better.

    Returns:
        Ranks from 1, ``[checkpoints]`` or ``[checkpoints, draws]``. The mean rank breaks ties of the median, and
        checkpoints that are still tied share the smaller rank ("1, 2, 2, 4").

    >>> median_ranks(np.array([[0.3, 0.1, 0.2], [0.9, 0.5, 0.7], [2.0, 3.0, 2.5]])).tolist()
    [3, 1, 2]
    """
    ranks = rankdata(values, axis=1)  # equal values share the average of their ranks
    # The mean rank, at most the number of checkpoints, decides only where medians (in steps of 1/4) are equal.
    order = np.median(ranks, axis=0) + ranks.mean(axis=0) / (8 * values.shape[1])
    return np.asarray(rankdata(order.round(9), axis=0, method="min"), dtype=np.int64, order="C")
