from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def table_samples(counts: Sequence[Sequence[int]], *, dtype: torch.dtype = torch.float64) -> tuple[Tensor, float]:
    """Two discrete units observed just so often as the table of counts says, ``[samples, 2]``, and their information."""
    table = torch.tensor(counts)
    place = torch.nonzero(table)
    samples = place.repeat_interleave(table[tuple(place.T)], dim=0)
    share = table.double() / table.sum()
    rows, columns = share.sum(1), share.sum(0)
    truth = sum(float(share[i, j]) * math.log(share[i, j] / (rows[i] * columns[j])) for i, j in place.tolist())
    return samples.to(dtype), truth
