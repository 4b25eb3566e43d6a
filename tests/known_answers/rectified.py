from __future__ import annotations

import math

import numpy as np
import torch
from scipy.stats import norm
from torch import Tensor

from tests.known_answers.gaussian import correlated_gaussians


def rectified_gaussians(
    correlation: float,
    *,
    zeros: float,
    num_samples: int,
    num_units: int,
    seed: int,
    dtype: torch.dtype = torch.float64,
) -> tuple[Tensor, float]:
    """What a ReLU leaves of `correlated_gaussians` whose mean makes the given share of them zero, and the truth."""
    gaussians, _ = correlated_gaussians(correlation, num_samples=num_samples, num_units=num_units, seed=seed)
    samples = (gaussians - norm.ppf(zeros)).relu()
    return samples.to(dtype), rectified_mutual_information(correlation, zeros)


def rectified_mutual_information(correlation: float, zeros: float) -> float:
    """Mutual information of ``relu(X - c)`` and ``relu(Y - c)``, in nats, by Gauss-Legendre quadrature.

    The pair has an atom where both are zero, two lines where one is, and a density where none is. To the expectation of
    the log-ratio each adds its part; ``q(x) = P(Y <= c | X = x)``.
    """
    threshold = norm.ppf(zeros)
    spread = math.sqrt(1 - correlation**2)
    node, weight = np.polynomial.legendre.leggauss(200)
    x = threshold + 5 * (node + 1)  # ten standard deviations
    weight = 5 * weight * norm.pdf(x)
    one_is_zero = norm.cdf((threshold - correlation * x) / spread)
    on_a_line = np.sum(weight * one_is_zero * np.log(one_is_zero / zeros))
    both_are_zero = zeros - np.sum(weight * one_is_zero)
    y = x[:, None]
    ratio = np.exp((2 * correlation * x * y - correlation**2 * (x**2 + y**2)) / (2 * spread**2)) / spread
    off_the_lines = np.sum(weight * weight[:, None] * ratio * np.log(ratio))
    return float(both_are_zero * math.log(both_are_zero / zeros**2) + 2 * on_a_line + off_the_lines)
