from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid

from lightning_infomem.plots.density import mixture_density

GRID = np.linspace(-20.0, 20.0, 40_001)


def test_the_density_of_a_gaussian_is_found() -> None:
    values = np.random.default_rng(0).normal(2.0, 0.5, 5_000)
    truth = np.exp(-((GRID - 2.0) ** 2) / 0.5) / (0.5 * np.sqrt(2 * np.pi))
    # Five standard errors of mean and deviation of 5,000 values move the density by at most 5 * 1/sqrt(5000) of its
    # peak 0.8 each.
    np.testing.assert_allclose(mixture_density(values, max_values=5_000)(GRID), truth, atol=0.8 * 10 / np.sqrt(5_000))


def test_two_groups_of_values_give_two_peaks_and_nothing_between() -> None:
    generator = np.random.default_rng(0)
    values = np.concatenate([generator.normal(0.0, 0.1, 600), generator.normal(3.0, 0.1, 400)])
    low, valley, high = mixture_density(values, max_values=5_000)(np.array([0.0, 1.5, 3.0]))
    assert low > high > 100 * valley


@pytest.mark.parametrize("scale", [1e-6, 1.0])
@pytest.mark.parametrize("shape", ["gamma", "outliers", "ties"])
def test_a_density_has_area_one_whatever_the_values(shape: str, scale: float) -> None:
    generator = np.random.default_rng(0)
    values = {
        "gamma": generator.gamma(0.5, 1.0, 2_000),
        "outliers": np.where(generator.random(2_000) < 0.02, 6.0, generator.normal(0.0, 0.05, 2_000)),
        "ties": generator.integers(0, 3, 2_000).astype(float),
    }[shape]
    area = trapezoid(mixture_density(scale * values, max_values=5_000)(scale * GRID), scale * GRID)
    # The grid is as wide as any Gaussian here, and its step of 0.001 a tenth of the narrowest.
    assert area == pytest.approx(1.0, abs=1e-3)


def test_values_that_nearly_all_tie_are_two_peaks() -> None:
    values = np.concatenate([np.zeros(1_000), np.ones(20)])
    low, valley, high = mixture_density(values, max_values=5_000)(np.array([0.0, 0.5, 1.0]))
    assert low > high > 100 * valley


def test_more_values_than_allowed_are_drawn_the_same_every_time() -> None:
    values = np.random.default_rng(0).gamma(2.0, 1.0, 4_000)
    drawn = mixture_density(values, max_values=100)(GRID)
    np.testing.assert_array_equal(mixture_density(values, max_values=100)(GRID), drawn)
    assert np.abs(mixture_density(values, max_values=4_000)(GRID) - drawn).max() > 0.001  # fewer were used
