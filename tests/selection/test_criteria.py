"""Every criterion has a direction for each kind; and checkpoints are reduced to one number a layer."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from lightning_infomem.records.report import InformationReport
from lightning_infomem.selection.candidates import Candidate, LayerScores
from lightning_infomem.selection.criteria import CRITERIA
from tests.checkpoints.checkpoint_files import make_layer, make_report


def _report(layer):
    return InformationReport(layers=(layer,), settings={}, backend="reference")


def test_every_criterion_has_a_name_of_its_own_and_a_direction_for_both_kinds():
    assert len({criterion.name for criterion in CRITERIA}) == len(CRITERIA)
    for criterion in CRITERIA:
        assert {criterion.better["heuristic"], criterion.better["example"]} <= {"low", "high"}


def test_what_units_share_turns_round_with_the_kind_and_norms_do_not():
    better = {criterion.name: criterion.better for criterion in CRITERIA}
    for name in ("mutual_information", "gaussian_mutual_information", "mean_correlation", "alpha_req"):
        assert (better[name]["heuristic"], better[name]["example"]) == ("low", "high")
    for name in ("entropy", "rankme", "participation_ratio"):
        assert (better[name]["heuristic"], better[name]["example"]) == ("high", "low")
    for name in ("spectral_norm_sum", "path_norm", "validation_loss"):
        assert set(better[name].values()) == {"low"}


def test_every_layer_has_its_own_means():
    candidate = Candidate.from_report(Path("a"), make_report({"a": 0.25, "b": 4.0}, {"a": 1.5, "b": 0.5}))
    assert candidate.values("mutual_information", ["a", "b"]) == [0.25, 4.0]
    assert candidate.values("entropy", ["a", "b"]) == [1.5, 0.5]


def test_the_diagonal_and_missing_values_are_left_out_of_the_means():
    information = torch.tensor([[9.0, 1.0, math.nan], [1.0, 9.0, 2.0], [math.nan, 2.0, 9.0]], dtype=torch.float64)
    entropy = torch.tensor([1.0, 2.0, math.nan], dtype=torch.float64)
    layer = dataclasses.replace(make_layer("a", 0.0, 0.0), mutual_information=information, entropy=entropy)
    scores = LayerScores.of(layer)
    assert scores.mutual_information == 1.5
    assert scores.unit_information.tolist() == [1.0, 1.5, 2.0]
    assert scores.scores["entropy"] == 1.5
    assert scores.scores["copy_fraction"] == pytest.approx(1.5 / 9)


def test_a_layer_without_finite_values_is_left_out():
    assert Candidate.from_report(Path("a"), _report(make_layer("a", math.nan, math.nan))).layers == {}


def test_the_standard_error_over_units_is_that_of_a_mean_over_pairs():
    # Loadings a_i, information a_i a_j: a U-statistic whose jackknife is known.
    from lightning_infomem.functional.pairs import jackknife_error

    loadings = torch.rand(200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    matrix = torch.outer(loadings, loadings)
    layer = make_layer("a", 0.0, 0.0, units=200, mutual_information=matrix)
    pairs = torch.triu_indices(200, 200, offset=1)
    expected = jackknife_error(pairs.T, matrix[pairs[0], pairs[1]])
    assert LayerScores.of(layer).standard_error == pytest.approx(expected, rel=0.01)  # the order 1 / units left out
