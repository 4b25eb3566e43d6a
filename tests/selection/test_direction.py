"""The kind of memorization: given, or inferred from a reference, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lightning_infomem.records.report import InformationReport
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.direction import choose_direction, kind_of
from tests.checkpoints.checkpoint_files import make_layer, make_report


def _candidate(values):
    return Candidate.from_report(Path("a"), make_report(values))


def _alike(value):
    return _candidate(dict.fromkeys("abc", value))


REFERENCE = _alike(1.0)


def test_a_given_kind_is_taken():
    assert choose_direction("example", [_alike(2.0)], None)[0] == "example"


def test_without_kind_and_reference_there_is_no_direction():
    kind, why = choose_direction(None, [_alike(2.0)], None)
    assert kind is None
    assert "the kind of memorization is not known" in why


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([2.0, 2.0, 2.0], "heuristic"),
        ([0.5, 0.5], "example"),
        ([2.0, 2.0, 0.5], "heuristic"),  # exactly two thirds
        ([2.0] * 9 + [0.5], "heuristic"),
        ([2.0] * 9 + [0.5] * 2, "mixed"),  # two on the other side are no accident
        ([2.0] * 60 + [0.5] * 2, "heuristic"),  # but of many they may be
        ([2.0, 2.0, 2.0, 0.5, 0.5], "mixed"),  # three fifths
        ([2.0, 2.0, 0.5, 0.5], "mixed"),
        ([2.0, 0.5], None),
        ([2.0, 1.0, 1.0, 1.0], "heuristic"),  # those that do not differ have no vote
        ([1.0, 1.0], None),
    ],
)
def test_two_thirds_of_those_that_differ_decide(values, kind):
    found, why = choose_direction(None, [_alike(value) for value in values], REFERENCE)
    assert found == kind
    assert f"{sum(value > 1 for value in values)} of {len(values)} checkpoints have more" in why


def test_every_checkpoint_votes_by_the_median_of_its_layers():
    # One layer far above the reference, two a little below.
    assert choose_direction(None, [_candidate({"a": 99.0, "b": 0.9, "c": 0.9})], REFERENCE)[0] == "example"


def test_layers_that_only_one_side_has_are_left_out():
    assert choose_direction(None, [_candidate({"a": 2.0, "other": -9.0})], REFERENCE)[0] == "heuristic"
    assert choose_direction(None, [_candidate({"other": 9.0})], REFERENCE)[0] is None


def _noisy(mean, seed):
    """Units whose loadings differ, so that the mean over pairs has a standard error of about .02."""
    loadings = mean**0.5 + 0.08 * torch.randn(64, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    layer = make_layer("a", 0.0, 1.0, units=64, mutual_information=torch.outer(loadings, loadings))
    report = InformationReport(layers=(layer,), settings={}, backend="reference")
    return Candidate.from_report(Path("a"), report)


def test_a_difference_within_the_error_tells_no_kind():
    reference = _noisy(1.0, 0)
    assert 0.01 < reference.layers["a"].standard_error < 0.03
    kinds = [kind_of(_noisy(1.0, seed), reference) for seed in range(1, 41)]
    assert kinds.count(None) >= 32  # nine of ten are expected
    assert {kind_of(_noisy(1.3, seed), reference) for seed in range(1, 6)} == {"heuristic"}
    assert {kind_of(_noisy(0.7, seed), reference) for seed in range(1, 6)} == {"example"}
