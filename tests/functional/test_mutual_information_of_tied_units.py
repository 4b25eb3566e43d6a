"""Where plain estimators are wrong by nats: the zeros of a ReLU and the few digits of bfloat16."""

from __future__ import annotations

import pytest
import torch

from lightning_infomem.functional import mutual_information
from tests import oracles
from tests.functional.paired_columns import mean_and_standard_error, mutual_information_of_draws
from tests.known_answers import PairedSamples, correlated_gaussians, rectified_gaussians

# What the estimator promises on tied data, in nats, of its mean over draws of 1000 samples at three neighbours.
PROMISED = 0.02
NUM_DRAWS = 64


def rectified(
    correlation: float, zeros: float, *, num_samples: int = 1000, num_draws: int = NUM_DRAWS
) -> PairedSamples:
    return rectified_gaussians(correlation, zeros=zeros, num_samples=num_samples, num_draws=num_draws)


def gaussian(correlation: float, *, num_samples: int = 1000, num_draws: int = NUM_DRAWS) -> PairedSamples:
    return correlated_gaussians(correlation, num_samples=num_samples, num_draws=num_draws)


@pytest.mark.parametrize(("correlation", "zeros", "truth"), [(0.0, 0.5, 0), (0.6, 0.5, 0.153), (0.9, 0.5, 0.554)])
def test_the_truth_of_rectified_gaussians_is_the_tabulated_one(correlation: float, zeros: float, truth: float) -> None:
    assert rectified(correlation, zeros).mutual_information == pytest.approx(truth, abs=5e-4)


def test_the_truth_of_unrectified_gaussians_is_the_closed_form() -> None:
    assert rectified(0.6, 1e-7).mutual_information == pytest.approx(gaussian(0.6).mutual_information, abs=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize(
    "draws",
    [rectified(0.0, 0.5), rectified(0.6, 0.5), rectified(0.9, 0.5), rectified(0.0, 0.8), gaussian(0.0), gaussian(0.6)],
    ids=["relu 0", "relu .6", "relu .9", "relu 80 % zeros", "gaussian 0", "gaussian .6"],
)
def test_tied_units_have_the_information_promised(draws: PairedSamples, dtype: torch.dtype) -> None:
    x, y, truth = draws.to(dtype)
    mean, standard_error = mean_and_standard_error(mutual_information_of_draws(x, y))
    assert standard_error < PROMISED / 4
    assert abs(mean - truth) < PROMISED


@pytest.mark.parametrize(
    ("draws", "dtype"),
    [
        (rectified(0.6, 0.5, num_samples=500, num_draws=2), torch.float64),
        (rectified(0.0, 0.8, num_samples=500, num_draws=2), torch.float64),
        (rectified(0.9, 0.5, num_samples=500, num_draws=2), torch.bfloat16),
        (gaussian(0.6, num_samples=500, num_draws=2), torch.bfloat16),
    ],
    ids=["relu .6", "relu 80 % zeros", "relu .9 bfloat16", "gaussian .6 bfloat16"],
)
def test_tied_units_have_the_mean_over_random_dithers(draws: PairedSamples, dtype: torch.dtype) -> None:
    x, y, _ = draws.to(dtype)
    ours = mutual_information_of_draws(x, y).mean()
    x_in_units, y_in_units = (oracles.standardized(part.double().numpy()).T for part in (x, y))
    dithered = [
        oracles.mean_over_dithers(one, other, 3, dithers=25, seed=0)
        for one, other in zip(x_in_units, y_in_units, strict=True)
    ]
    assert float(ours) == pytest.approx(sum(dithered) / len(dithered), abs=0.01)


def test_the_plain_estimator_would_fail_here() -> None:
    """The reason for all of this: without a rule for ties, information appears where there is none."""
    x, y, truth = rectified(0.0, 0.5, num_draws=1)
    assert oracles.brute_force_ksg(x[:, 0].numpy(), y[:, 0].numpy(), 3) > truth + 1
    assert float(mutual_information(x[:, 0], y[:, 0])) == pytest.approx(truth, abs=0.06)  # four deviations of .015
