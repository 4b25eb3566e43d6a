from __future__ import annotations

import math

import torch
from torch import Tensor


def correlated_gaussians(
    correlation: float, *, num_samples: int, num_units: int, seed: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, float]:
    """Standard normal units of which every two have the same correlation, ``[samples, units]``, and the truth of a pair.

    All share one factor, so that every pair of the matrix of all pairs is a draw. A rounding ``dtype`` (bf16) leaves
    the truth where it is, far within the tolerances: it moves a value by 2**-9 of itself at most.
    """
    generator = torch.Generator().manual_seed(seed)
    own = torch.randn(num_samples, num_units, generator=generator, dtype=torch.float64)
    shared = torch.randn(num_samples, 1, generator=generator, dtype=torch.float64)
    samples = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
    return samples.to(dtype), gaussian_mutual_information(correlation)


def gaussian_mutual_information(correlation: float) -> float:
    return -0.5 * math.log1p(-(correlation**2))
