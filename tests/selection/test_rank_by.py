"""Ranks of checkpoints and groups by the criterion that leads."""

from __future__ import annotations

import pytest
import torch

from lightning_infomem.selection.rank_by import rank_by
from tests.selection.voters import make_candidate

CANDIDATES = [
    make_candidate("a", information=0.1),
    make_candidate("b", information=0.4),
    make_candidate("c", information=0.9),
]
TERMS = {"consensus_accuracy": torch.tensor([[0.2] * 50, [0.9] * 50, [0.5] * 50], dtype=torch.float64)}
WEIGHTS = torch.ones(50, dtype=torch.float64)


def _ranks(*arguments, **known):
    return [each["rank"] for each in rank_by(*arguments, **known)]


def test_terms_of_predictions_are_ranked_by_their_means():
    found = rank_by("consensus_accuracy", CANDIDATES, ["fc1"], terms=TERMS, weights=WEIGHTS)
    assert [each["rank"] for each in found] == [3, 1, 2]
    assert [each["score"] for each in found] == pytest.approx([0.2, 0.9, 0.5])
    assert found[1]["score_interval"] == pytest.approx((0.9, 0.9))
    assert found[1]["probability_best"] == 1


def test_inputs_count_by_their_weights():
    terms = {"consensus_accuracy": torch.tensor([[1.0] + [0.0] * 49, [0.0] + [0.5] * 49], dtype=torch.float64)}
    weights = WEIGHTS.clone()
    assert _ranks("consensus_accuracy", CANDIDATES[:2], ["fc1"], terms=terms, weights=weights) == [2, 1]
    weights[0] = 100
    assert _ranks("consensus_accuracy", CANDIDATES[:2], ["fc1"], terms=terms, weights=weights) == [1, 2]


def test_measures_of_layers_follow_the_kind_or_the_reference():
    by_kind = {
        order: _ranks("mutual_information", CANDIDATES, ["fc1"], order=order) for order in ("heuristic", "example")
    }
    assert by_kind == {"heuristic": [1, 2, 3], "example": [3, 2, 1]}
    near = make_candidate("r", information=0.45)
    assert _ranks("mutual_information", CANDIDATES, ["fc1"], order="nearest", reference=near) == [2, 1, 3]


def test_hardly_trained_networks_come_last_by_measures_of_layers():
    found = _ranks("mutual_information", CANDIDATES, ["fc1"], order="heuristic", underfit=[True, False, None])
    assert found == [3, 1, 2]


def test_groups_are_ranked_by_the_means_of_their_members():
    found = rank_by("consensus_accuracy", CANDIDATES, ["fc1"], terms=TERMS, weights=WEIGHTS, members=[0, 1, 0])
    assert [each["rank"] for each in found] == [2, 1]
    assert [each["score"] for each in found] == pytest.approx([0.35, 0.9])
    low, high = found[0]["score_interval"]
    assert low == pytest.approx(0.2)  # its members are drawn with replacement
    assert high == pytest.approx(0.5)
    assert _ranks("mutual_information", CANDIDATES, ["fc1"], order="example", members=[0, 1, 0]) == [1, 2]
