from __future__ import annotations

import math

import torch

from tests.known_answers.paired_samples import PairedSamples


def correlated_gaussians(correlation: float, *, num_samples: int, num_draws: int, seed: int = 0) -> PairedSamples:
    """Standard normal variables, float64."""
    generator = torch.Generator().manual_seed(seed)
    x, noise = torch.randn(2, num_samples, num_draws, generator=generator, dtype=torch.float64)
    y = correlation * x + math.sqrt(1 - correlation**2) * noise
    return PairedSamples(x, y, -0.5 * math.log1p(-(correlation**2)))
