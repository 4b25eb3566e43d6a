from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid
from sklearn.mixture import GaussianMixture

from lightning_infomem.plots.density import _fitted, mixture_density

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


@pytest.mark.parametrize("components", [1, 3, 5])
@pytest.mark.parametrize("ties", [False, True])
def test_a_mixture_is_that_of_scikit_learn(components: int, ties: bool) -> None:
    values = np.random.default_rng(0).gamma(2.0, 1.0, 500)
    values = values.round() if ties else values
    start = np.quantile(np.unique(values), (np.arange(components) + 0.5) / components)
    oracle = GaussianMixture(
        components,
        weights_init=np.full(components, 1 / components),
        means_init=start[:, None],
        precisions_init=np.full((components, 1, 1), components**2 / 4),
        init_params="random_from_data",
        reg_covar=1e-3,
        max_iter=1_000,
        random_state=0,
    ).fit(values[:, None])
    ours = _fitted(values, components)
    # Some dozen steps of the same sums in another order.
    np.testing.assert_allclose(ours.means, oracle.means_[:, 0], rtol=1e-8)
    np.testing.assert_allclose(ours.variances, oracle.covariances_[:, 0, 0], rtol=1e-8)
    np.testing.assert_allclose(ours.weights, oracle.weights_, rtol=1e-8)
    assert ours.bic(values) == pytest.approx(oracle.bic(values[:, None]), rel=1e-10)


def test_more_values_than_allowed_are_drawn_the_same_every_time() -> None:
    values = np.random.default_rng(0).gamma(2.0, 1.0, 4_000)
    drawn = mixture_density(values, max_values=100)(GRID)
    np.testing.assert_array_equal(mixture_density(values, max_values=100)(GRID), drawn)
    assert np.abs(mixture_density(values, max_values=4_000)(GRID) - drawn).max() > 0.001  # fewer were used
