"""Neighbours of all points for pairs of units on the processor: vector instructions, threads, any ties."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lightning_infomem.kernels import cpu_pairs as pairs
from lightning_infomem.kernels.cpu_search import LARGE_GROUP, PADDING

__all__ = ["mean_terms"]


def prepare(columns):
    n, s = columns.shape
    ordered = np.empty((n, s + 2 * PADDING), columns.numpy().dtype)
    ordered[:, :PADDING] = -np.inf
    ordered[:, PADDING + s :] = np.inf
    order = np.empty((n, s), np.int32)
    rank = np.empty((n, s), np.int32)
    grouped = np.zeros(n, bool)
    for a in range(0, n, 64):
        v, o = torch.sort(columns[a : a + 64], dim=1, stable=True)
        ordered[a : a + 64, PADDING : PADDING + s] = v.numpy()
        order[a : a + 64] = o.numpy()
        np.put_along_axis(rank[a : a + 64], o.numpy(), np.arange(s, dtype=np.int32)[None], 1)
        if s > LARGE_GROUP:
            grouped[a : a + 64] = (v[:, LARGE_GROUP:] == v[:, : s - LARGE_GROUP]).any(1).numpy()
    return ordered, order, rank, grouped


def mean_terms(columns: Tensor, first: Tensor, second: Tensor, *, neighbors: int, memory_limit: int) -> Tensor:
    columns = columns.contiguous()
    ordered, order, rank, grouped = prepare(columns)
    psi = torch.digamma(torch.arange(1, columns.shape[1] + 2, dtype=torch.float64)).numpy()
    result = np.empty(len(first))
    pairs.mean_terms_of_pairs(
        (0,) * neighbors, columns.numpy(), ordered, order, rank, grouped, first.numpy(), second.numpy(), psi, result
    )
    return torch.from_numpy(result)
