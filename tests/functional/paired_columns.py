from __future__ import annotations

import math

import torch
from torch import Tensor

from lightning_infomem.functional.standardization import standardized_columns
from lightning_infomem.kernels import select_backend


def mutual_information_of_draws(x: Tensor, y: Tensor, *, neighbors: int = 3) -> Tensor:
    """`mutual_information` of every column of ``x`` with the same column of ``y``, without all their other pairs."""
    num_samples, num_draws = x.shape
    columns, _ = standardized_columns(torch.cat([x, y], dim=1))
    draws = torch.arange(num_draws)
    _, kernel = select_backend("auto", x.device)
    terms = kernel(columns, draws, draws + num_draws, neighbors=neighbors, memory_limit=2**28)
    at_k, at_samples = torch.digamma(torch.tensor([neighbors, num_samples], dtype=torch.float64))
    return at_k + at_samples - terms


def mean_and_standard_error(values: Tensor) -> tuple[float, float]:
    return float(values.mean()), float(values.std() / math.sqrt(len(values)))
