"""Temperature-scaled confidence: by hand, against a search by scipy, calibration, extremes."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.optimize import minimize_scalar

from lightning_infomem.functional import temperature_scaled_confidence


def test_equal_log_odds_by_hand():
    log_odds = torch.full((9,), 3.0)
    labelled = torch.arange(4)
    # Three of four right count as 4/5, the wrong one as 1/3: their mean is the confidence of all.
    found = temperature_scaled_confidence(log_odds, labelled, torch.tensor([True, True, True, False]))
    assert found.item() == pytest.approx((3 * 4 / 5 + 1 / 3) / 4)
    assert found.dtype == torch.float64


def drawn(temperature, count=4000):
    """Log odds that are too large by a factor."""
    generator = torch.Generator().manual_seed(0)
    honest = 1 + 2 * torch.randn(count, generator=generator, dtype=torch.float64)
    correct = torch.rand(count, generator=generator) < honest.sigmoid()
    return honest * temperature, correct


def test_it_is_what_scipy_finds():
    log_odds, correct = drawn(3.0, 60)
    labelled = torch.arange(0, 60, 2)
    right, count = int(correct[labelled].sum()), len(labelled)
    target = torch.where(correct[labelled], (right + 1) / (right + 2), 1 / (count - right + 2))

    def loss(log_temperature):
        logits = log_odds[labelled] / math.exp(log_temperature)
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, target).item()

    best = math.exp(minimize_scalar(loss, bounds=(-5, 5), options={"xatol": 1e-10}).x)
    expected = (log_odds / best).sigmoid().mean().item()
    found = temperature_scaled_confidence(log_odds, labelled, correct[labelled]).item()
    assert found == pytest.approx(expected, abs=1e-5)  # where the likelihood is flat to rounding


@pytest.mark.parametrize("temperature", [0.1, 1.0, 8.0])
def test_too_much_and_too_little_confidence_is_mended(temperature):
    log_odds, correct = drawn(temperature)
    labelled = torch.arange(0, 4000, 4)
    found = temperature_scaled_confidence(log_odds, labelled, correct[labelled]).item()
    assert found == pytest.approx(correct.double().mean().item(), abs=0.02)


def test_the_unit_of_log_odds_does_not_matter():
    log_odds, correct = drawn(1.0, 50)
    labelled = torch.arange(20)
    expected = temperature_scaled_confidence(log_odds, labelled, correct[:20]).item()
    for factor in (1e-30, 1e30):
        found = temperature_scaled_confidence(log_odds * factor, labelled, correct[:20]).item()
        assert found == pytest.approx(expected)


def test_all_right_or_all_wrong_has_a_value():
    log_odds, labelled = torch.tensor([0.5, 1.0, 2.0, 8.0, 1.0]), torch.arange(4)
    right = temperature_scaled_confidence(log_odds, labelled, torch.ones(4).bool()).item()
    assert 0.6 < right < 1
    assert temperature_scaled_confidence(log_odds, labelled, torch.zeros(4).bool()).item() == 0.5
    assert temperature_scaled_confidence(-log_odds, labelled, torch.zeros(4).bool()).item() == pytest.approx(1 - right)
    assert temperature_scaled_confidence(log_odds * 0, labelled, torch.ones(4).bool()).item() == 0.5
