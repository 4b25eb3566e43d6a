"""Each doubt about a choice is raised by its own fault, and by no other."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest

from lightning_infomem.records.ranking_row import RankedCheckpoint
from lightning_infomem.selection.doubts_of_choice import doubts_of_choice
from tests.selection.voters import make_candidate

COUNT = 6
CANDIDATES = [make_candidate(str(place)) for place in range(COUNT)]
CONSENSUS, NEIGHBORS, REFERENCE = "consensus_accuracy", "neighbor_agreement", "reference_agreement"


def _rows(count=COUNT, **columns):
    """Ranked in this order, the first one chosen; a column has one value, or dictionary, for each."""
    known = {"probability_best": [0.8] + [0.1] * (count - 1)}
    return [
        RankedCheckpoint(Path(f"{place}.ckpt"), 9, 90, 2.5, 0.1, place + 1, None, in_best_set=place == 0, **each)
        for place, each in enumerate(
            {name: values[place] for name, values in {**known, **columns}.items()} for place in range(count)
        )
    ]


def _flags(leader=CONSENSUS, rows=None, **facts):
    rows = _rows() if rows is None else rows
    found = doubts_of_choice(leader, rows, CANDIDATES[: len(rows)], ["fc1"], **{"num_classes": 4, **facts})
    assert all(flag.is_doubt for flag in found)
    return {flag.name: flag.message for flag in found}


def _scores(consensus, neighbors):
    return [{CONSENSUS: one, NEIGHBORS: other} for one, other in zip(consensus, neighbors, strict=True)]


def _ranks(name, *ranks):
    return [{name: rank} for rank in ranks]


FALLING = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
SURE_OF_ANOTHER = [0.6, 0.92, 0.1, 0.1, 0.1, 0.1]  # within a point of the best, so that they exceed 1 in sum
SOUND = _rows(scores=_scores(FALLING, FALLING), ranks=_ranks("validation_accuracy", *range(1, 7)))
FAULTS = {
    "two_classes": (CONSENSUS, SOUND, {"num_classes": 2}),
    "few_checkpoints": (CONSENSUS, SOUND[:4], {}),
    "consensus_disagrees": (
        REFERENCE,
        [dataclasses.replace(row, probability_best=p) for row, p in zip(SOUND, SURE_OF_ANOTHER, strict=True)],
        {},
    ),
    "neighbors_disagree": (CONSENSUS, _rows(scores=_scores(FALLING, FALLING[::-1])), {}),
    "validation_disagrees": (CONSENSUS, _rows(ranks=_ranks("validation_accuracy", 6, 1, 2, 3, 4, 5)), {}),
    "shared_first_rank": (CONSENSUS, [dataclasses.replace(row, rank=max(row.rank, 2) - 1) for row in SOUND], {}),
    "indistinct": (CONSENSUS, [dataclasses.replace(row, in_best_set=True) for row in SOUND], {}),
}


@pytest.mark.parametrize("leader", [CONSENSUS, NEIGHBORS, REFERENCE, "mutual_information", "rankme"])
def test_a_sound_choice_raises_no_doubt(leader):
    assert _flags(leader, SOUND) == {}
    assert _flags(leader) == {}  # with nothing known beside the ranks


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_raises_its_own_doubt_and_no_other(name):
    leader, rows, facts = FAULTS[name]
    assert list(_flags(leader, rows, **facts)) == [name]


def test_the_names_in_the_docstring_are_those_that_are_raised():
    named = inspect.getdoc(doubts_of_choice).split("Returns:")[1]
    assert all(f'"{name}"' in named for name in FAULTS if name not in ("shared_first_rank", "indistinct"))


@pytest.mark.parametrize("name", ["two_classes", "few_checkpoints"])
def test_labels_mend_a_poor_consensus(name):
    leader, rows, facts = FAULTS[name]
    assert _flags(leader, rows, num_labels=1, **facts) == {}
    assert _flags(NEIGHBORS, rows, **facts) == {}  # no consensus leads


def test_five_checkpoints_and_three_classes_are_enough():
    assert _flags(rows=SOUND[:5], num_classes=3) == {}


@pytest.mark.parametrize("leader", [REFERENCE, NEIGHBORS])
@pytest.mark.parametrize(("chosen", "other", "said"), [(0.69, 0.9, True), (0.7, 0.9, False), (0.69, 0.89, False)])
def test_the_consensus_speaks_where_it_is_sure_and_the_choice_is_not(leader, chosen, other, said):
    flags = _flags(leader, _rows(probability_best=[chosen, 0.0, other, 0.0, 0.0, 0.0]))
    assert ("consensus_disagrees" in flags) == said
    if said:
        assert f"'2.ckpt' is better (P(best) {other:.2f})" in flags["consensus_disagrees"]


def test_a_consensus_that_leads_does_not_disagree_with_itself():
    assert _flags(CONSENSUS, _rows(probability_best=SURE_OF_ANOTHER)) == {}


def test_neighbours_are_asked_where_they_or_the_consensus_lead_and_are_known():
    rows = FAULTS["neighbors_disagree"][1]
    assert "(tau-b -1.00)" in _flags(NEIGHBORS, rows)["neighbors_disagree"]
    assert _flags(REFERENCE, rows) == {}
    assert _flags(rows=_rows(scores=[{CONSENSUS: value} for value in FALLING])) == {}
    assert _flags(rows=_rows(scores=_scores(FALLING, [0.5] * COUNT))) == {}  # all alike: no order


@pytest.mark.parametrize(("order", "said"), [([5, 0, 1, 2, 3, 4], False), ([5, 1, 0, 2, 3, 4], True)])
def test_orders_of_the_same_tendency_do_not_disagree(order, said):
    # Of 15 pairs 5 and 6 are turned: tau-b .33 and .20.
    flags = _flags(rows=_rows(scores=_scores(FALLING, [FALLING[place] for place in order])))
    assert ("neighbors_disagree" in flags) == said


@pytest.mark.parametrize("name", ["validation_accuracy", "validation_loss"])
def test_a_validation_metric_speaks_where_half_of_all_are_better(name):
    assert _flags(rows=_rows(ranks=_ranks(name, 4, 1, 2, 3, 5, 6)))["validation_disagrees"].startswith(
        f"by {name.replace('_', ' ')}, 3 of the 5 others are better than the choice"
    )
    for ranks in ((3, 1, 2, 4, 5, 6), (1,) * 6):
        assert _flags(rows=_rows(ranks=_ranks(name, *ranks))) == {}


def test_a_metric_that_one_checkpoint_lacks_tells_nothing():
    assert _flags(rows=_rows(ranks=[*_ranks("validation_loss", 6, 1, 2, 3, 4), {}])) == {}


def test_of_several_that_lead_the_best_by_the_metric_counts():
    rows = [dataclasses.replace(row, rank=max(row.rank, 2) - 1) for row in FAULTS["validation_disagrees"][1]]
    assert list(_flags(rows=rows)) == ["shared_first_rank"]
