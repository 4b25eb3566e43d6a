"""The third stage, without any file: facts in, a ranking out."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import Comparison, compare_candidates
from lightning_infomem.selection.rank_candidates import rank_candidates
from tests.checkpoints.checkpoint_files import make_report


def _candidate(name, information, **known):
    return Candidate.from_report(Path("zoo", name), make_report({"fc1": information}), **known)


CANDIDATES = [_candidate("a", 0.1), _candidate("b", 0.4, notes=("odd",)), _candidate("c", 0.9)]
COMPARISON = compare_candidates(CANDIDATES)


def test_rows_have_their_place_group_kind_and_ranks():
    ranking = rank_candidates(CANDIDATES, COMPARISON, memorization="example", groups=lambda path: path.name)
    assert [(row.path.name, row.rank, row.entropy_rank, row.group) for row in ranking.rows] == [
        ("c", 1, 1, "c"),
        ("b", 2, 2, "b"),
        ("a", 3, 3, "a"),
    ]
    assert [group.name for group in ranking.groups] == ["c", "b", "a"]
    near = rank_candidates(CANDIDATES, COMPARISON, reference=_candidate("good", 0.4))
    assert {row.path.name: row.kind for row in near.rows} == {"a": "example", "b": None, "c": "heuristic"}
    assert (near.order, near.best.path.name) == ("nearest", "b")


def test_without_a_direction_there_are_values_only():
    ranking = rank_candidates(CANDIDATES, COMPARISON)
    assert [(row.path.name, row.rank, row.probability_best) for row in ranking.rows] == [
        (name, None, None) for name in "abc"
    ]
    assert [row.mutual_information for row in ranking.rows] == pytest.approx([0.1, 0.4, 0.9])
    assert "predictions cannot be compared, because there are no predicted classes" in ranking.refusal
    assert ranking.evidence in ranking.refusal
    assert (ranking.criterion, [each.leads for each in ranking.why]) == (None, [False])


def test_the_control_takes_a_rank_among_the_others_and_wins_no_draw():
    ranking = rank_candidates(CANDIDATES, COMPARISON, memorization="heuristic", control=_candidate("fresh", 0.2))
    assert (ranking.control.rank, ranking.control.probability_best) == (2, None)
    assert [row.rank for row in ranking.rows] == [1, 2, 3]
    assert [flag.name for flag in ranking.flags if flag.name == "untrained_control"] == ["untrained_control"]


def test_notes_and_skipped_files_are_passed_on():
    comparison = Comparison(["fc1"], ["compared"], [])
    ranking = rank_candidates(CANDIDATES, comparison, skipped={"d": "truncated"}, notes=["measured"])
    assert ranking.notes == ("compared", "'zoo/b': odd", "measured")
    assert ranking.skipped == {"d": "truncated"}
