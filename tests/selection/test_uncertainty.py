"""Intervals that hold what they promise: coverage on synthetic checkpoints whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_infomem.selection.certainty import summarize_draws
from lightning_infomem.selection.uncertainty import draw_means

LEVELS = (0.05, 0.95)


def _unit_information(generator, mean, units):
    """Pairs share what their units load on one factor, plus noise: a U-statistic with the mean ``mean``."""
    loadings = np.sqrt(mean) * (1 + 0.3 * generator.standard_normal(units))
    noise = 0.1 * generator.standard_normal((units, units))
    matrix = np.outer(loadings, loadings) + (noise + noise.T) / 2
    np.fill_diagonal(matrix, 0)
    return matrix.sum(axis=1) / (units - 1)


@pytest.mark.parametrize("units", [32, 128])
def test_the_interval_of_a_mean_over_pairs_covers_the_truth_in_nine_cases_of_ten(units):
    generator = np.random.default_rng(units)
    covered = 0
    for seed in range(250):
        draws = draw_means([_unit_information(generator, 0.5, units)], seed=seed)
        low, high = np.quantile(draws[0], LEVELS)
        covered += low <= 0.5 <= high
    assert 0.85 <= covered / 250 <= 0.95


@pytest.mark.parametrize("seeds", [4, 8])
def test_the_interval_of_a_group_covers_the_mean_of_all_seeds(seeds):
    generator = np.random.default_rng(seeds)
    covered = 0
    for seed in range(250):
        # Seeds differ by much more than units tell.
        means = 0.5 + 0.1 * generator.standard_normal(seeds)
        checkpoints = [_unit_information(generator, max(mean, 0.01), 64) for mean in means]
        draws = draw_means(checkpoints, [0] * seeds, seed=seed)
        low, high = np.quantile(draws[0], LEVELS)
        covered += low <= 0.5 <= high
    assert 0.85 <= covered / 250 <= 0.95


def test_the_set_holds_the_truly_best_in_nine_cases_of_ten():
    generator = np.random.default_rng(0)
    truth = np.array([0.50, 0.52, 0.55, 0.60, 0.90])
    held, sizes = 0, []
    for seed in range(250):
        units = [_unit_information(generator, mean, 64) for mean in truth]
        means = np.array([values.mean() for values in units])
        draws = -draw_means(units, seed=seed)
        in_set = np.array(summarize_draws(draws, int(means.argmin()))["in_best_set"])
        held += in_set[0]
        sizes.append(in_set.sum())
        assert not in_set[4]
    assert held / 250 >= 0.9
    assert 1.5 < np.mean(sizes) < 4


def test_checkpoints_of_one_run_share_their_units_and_differ_more_surely():
    generator = np.random.default_rng(1)
    units = _unit_information(generator, 0.5, 64)
    paired = draw_means([units, units + 0.01], seed=0)
    alone = draw_means([units, _unit_information(generator, 0.51, 64)], seed=0)
    assert np.std(paired[1] - paired[0]) < 1e-9 < np.std(alone[1] - alone[0])


def test_one_unit_or_one_seed_has_no_spread():
    assert set(draw_means([np.array([0.3])], seed=0)[0]) == {0.3}
