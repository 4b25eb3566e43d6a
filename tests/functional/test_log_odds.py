"""The odds of the predicted class, also where its probability rounds to 1."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_infomem.functional.log_odds import log_odds


def test_it_is_the_logarithm_of_the_odds_of_the_softmax_probability() -> None:
    logits = torch.randn(50, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    highest = logits.softmax(1).amax(1)
    torch.testing.assert_close(log_odds(logits), (highest / (1 - highest)).log(), rtol=1e-12, atol=1e-12)


def test_probabilities_that_round_to_one_are_told_apart() -> None:
    logits = torch.tensor([[100.0, 0.0, 0.0], [200.0, 0.0, 0.0], [3e38, -3e38, -3e38]])
    first, second, largest = log_odds(logits).tolist()
    assert first == pytest.approx(100 - math.log(2), abs=1e-12)
    assert second == pytest.approx(200 - math.log(2), abs=1e-12)
    assert largest == pytest.approx(6e38, rel=1e-6)


def test_classes_that_are_alike_have_the_odds_of_a_guess() -> None:
    for count in (2, 3, 100):
        assert log_odds(torch.full((1, count), 7.0)).item() == pytest.approx(-math.log(count - 1), abs=1e-12)


def test_a_row_that_is_not_finite_has_none() -> None:
    logits = torch.tensor([[0.0, 1.0], [math.nan, 1.0], [math.inf, 1.0], [-math.inf, 1.0]], dtype=torch.float16)
    odds = log_odds(logits)
    assert odds[0] == 1
    assert odds[1:].isnan().all()


def test_what_is_no_classification_is_refused() -> None:
    with pytest.raises(ValueError, match=r"logits: at least two classes are required, got .*pass a single logit z"):
        log_odds(torch.zeros(3, 1))
    with pytest.raises(TypeError, match="logits: a floating-point tensor is required"):
        log_odds(torch.zeros(3, 2, dtype=torch.int64))
