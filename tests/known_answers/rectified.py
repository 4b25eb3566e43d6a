from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from tests.known_answers.gaussian import correlated_gaussians
from tests.known_answers.paired_samples import PairedSamples


def rectified_gaussians(
    correlation: float, *, zeros: float, num_samples: int, num_draws: int, seed: int = 0
) -> PairedSamples:
    """What a ReLU leaves of normal variables of which it sets the given share to zero, float64."""
    threshold = float(norm.ppf(zeros))
    x, y, _ = correlated_gaussians(correlation, num_samples=num_samples, num_draws=num_draws, seed=seed)
    return PairedSamples((x - threshold).relu(), (y - threshold).relu(), _mutual_information(correlation, threshold))


def _mutual_information(correlation: float, threshold: float) -> float:
    """By Gauss-Legendre quadrature up to nine standard deviations.

    The pair has an atom where both are zero, two lines where one is, and a density where none is; each adds its part to
    the mean log-ratio. On a line the ratio is ``P(Y = 0 | x) / P(Y = 0)``.
    """
    spread = math.sqrt(1 - correlation**2)
    zero = float(norm.cdf(threshold))
    node, weight = np.polynomial.legendre.leggauss(200)
    half_width = (9 - threshold) / 2
    x = threshold + half_width * (node + 1)
    weight = half_width * weight * norm.pdf(x)
    other_is_zero = norm.cdf((threshold - correlation * x) / spread)
    line = np.sum(weight * other_is_zero * np.log(other_is_zero / zero))
    both_are_zero = zero - np.sum(weight * other_is_zero)
    atom = both_are_zero * math.log(both_are_zero / zero**2)
    y = x[:, None]
    ratio = np.exp((2 * correlation * x * y - correlation**2 * (x**2 + y**2)) / (2 * spread**2)) / spread
    density = np.sum(weight * weight[:, None] * ratio * np.log(ratio))
    return float(atom + 2 * line + density)
