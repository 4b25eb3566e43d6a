"""The third stage, without any file: facts in, a ranking out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from lightning_infomem.records.flag import Flag
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import Comparison, compare_candidates
from lightning_infomem.selection.labels import read_labels
from lightning_infomem.selection.rank_candidates import rank_candidates
from tests.checkpoints.checkpoint_files import make_report
from tests.selection.voters import draw_candidates, make_candidate


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


def test_what_is_given_decides_what_leads_and_the_ranking_says_so():
    candidates, truth = draw_candidates([0.5, 0.9, 0.7, 0.8, 0.6])
    comparison = compare_candidates(candidates)
    consensus = rank_candidates(candidates, comparison)
    assert (consensus.criterion, consensus.best.path.name) == ("consensus_accuracy", "1")
    assert [row.rank for row in consensus.rows] == [1, 2, 3, 4, 5]
    assert "an error that most checkpoints share, a shortcut or noise, would win" in consensus.verdict
    assert consensus.verdict.startswith("Best: '1'")
    held = rank_candidates(candidates, comparison, labels=read_labels(dict(enumerate(truth.tolist()))))
    assert held.best.scores["labelled_accuracy"] == held.best.scores["consensus_accuracy"]
    reference = rank_candidates(candidates, comparison, reference=make_candidate("good", truth))
    assert (reference.criterion, [row.path.name for row in reference.rows]) == (
        "reference_agreement",
        ["1", "3", "2", "4", "0"],
    )
    assert reference.best.score == (candidates[1].predictions.classes == truth).double().mean()


def test_doubts_of_hidden_layers_are_none_where_predictions_lead():
    candidates, _ = draw_candidates([0.5, 0.9, 0.7])
    doubted = Comparison(["fc1"], [], [Flag("copies", "of each other"), Flag("classes_assumed", "unknown")])
    by_votes = rank_candidates(candidates, doubted)
    assert {flag.name: flag.is_doubt for flag in by_votes.flags if flag.name in ("copies", "classes_assumed")} == {
        "copies": False,
        "classes_assumed": True,
    }
    assert by_votes.to_table().lead[1].text == "! classes_assumed: unknown"


def test_equal_predictions_share_the_first_rank_and_it_is_said():
    classes = torch.arange(60) % 4
    candidates = [make_candidate(name, classes, information=0.1 * place) for place, name in enumerate("abc")]
    ranking = rank_candidates(candidates, compare_candidates(candidates))
    assert [row.rank for row in ranking.rows] == [1, 1, 1]
    assert "shared_first_rank" in {flag.name for flag in ranking.flags}
    assert len(ranking.best_set) == 3


def test_the_settings_that_differ_stand_in_the_rows_and_hidden_layers_do_not_lead():
    candidates = [
        make_candidate(str(place), torch.arange(60) % 4, recipe={"lr": 0.1 * place, "layers": 2}) for place in range(3)
    ]
    ranking = rank_candidates(candidates, compare_candidates(candidates), memorization="example")
    assert {row.path.name: row.recipe for row in ranking.rows} == {
        str(place): {"lr": 0.1 * place} for place in range(3)
    }
    assert ranking.criterion == "consensus_accuracy"
    told = rank_candidates(candidates, compare_candidates(candidates), memorization="heuristic")
    assert told.criterion is None
    assert told.refusal.startswith("rankme: the recipes differ in lr; mutual information: the recipes differ in lr; ")
    assert told.refusal.endswith("; give a reference that generalises, or labels of a few inputs")
    across = rank_candidates(candidates, compare_candidates(candidates), memorization="heuristic", across_recipes=True)
    assert across.criterion == "mutual_information"


def test_unknown_recipes_are_said_where_hidden_layers_lead():
    told = rank_candidates(CANDIDATES, COMPARISON, memorization="heuristic")
    assert sum("no checkpoint says how it was trained" in note for note in told.notes) == 1
    known = [dataclasses.replace(each, recipe={"level": level}) for level, each in enumerate(CANDIDATES)]
    ranking = rank_candidates(known, COMPARISON, memorization="heuristic")
    assert ranking.criterion == told.criterion
    assert not any("no checkpoint says" in note for note in ranking.notes)
