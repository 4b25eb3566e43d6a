"""Questions, their file, and what labels in it change."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
import torch

from lightning_infomem.selection.labels import read_label_file, read_labels
from lightning_infomem.selection.questions import Questions
from lightning_infomem.selection.ranking import Ranking
from tests.selection.made_up_votes import make_votes, misled_zoo, rank_votes

TRUTH, CLASSES = misled_zoo(1)
RANKING = rank_votes(CLASSES, num_classes=5)


def _filled_in(questions: Questions, *, skip: int = 0) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(questions.to_csv())))
    for row in rows[skip:]:
        row["label"] = str(int(TRUTH[int(row["place"])]))
    return rows


def _write(path, rows, **style):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), **style)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_question_has_place_loader_digest_and_what_the_leading_checkpoints_say():
    votes = make_votes([[0, 1, 2], [0, 2, 2], [0, 1, 0], [1, -1, 2]])
    votes = replace(votes, inputs=torch.tensor([-1, 5, 2**62]))
    order = [next(row for row in RANKING.rows if row.path == path) for path in reversed(votes.paths)]
    questions = Questions.about(order, votes, torch.tensor([0, 1]))
    assert [vars(row) for row in questions.rows] == [
        {"place": 0, "loader": 0, "input": "f" * 16, "says": "0: c.ckpt, b.ckpt and 1 more; 1: d.ckpt", "label": None},
        {
            "place": 1,
            "loader": 0,
            "input": "0000000000000005",
            "says": "1: c.ckpt, a.ckpt; unknown: d.ckpt; 2: b.ckpt",
            "label": None,
        },
    ]
    assert [row.mark for row in questions.rows] == [-1, 5]
    assert questions.indices == [0, 1]


def test_asking_is_deterministic_and_names_inputs_by_their_places():
    questions = RANKING.ask(20)
    assert questions == RANKING.ask(20)
    assert (len(questions.rows), len(set(questions.indices)), questions.answered) == (20, 20, ())
    assert [int(row.input, 16) for row in questions.rows] == questions.indices  # marks are places here
    labels = {place: int(TRUTH[place]) for place in questions.indices}
    assert RANKING.best.path.name not in "abc"
    assert rank_votes(CLASSES, labels, num_classes=5).best.path.name == "a.ckpt"


def test_inputs_with_labels_are_kept_and_others_are_asked():
    first = RANKING.ask(10)
    labels = {place: int(TRUTH[place]) for place in first.indices}
    second = rank_votes(CLASSES, labels, num_classes=5).ask(10)
    assert set(first.indices).isdisjoint(second.indices)
    assert {row.place: row.label for row in second.answered} == labels
    assert "10 inputs whose labels would tell most about which of 8 checkpoints is best; 10 more are labelled" in str(
        second
    )


@pytest.mark.parametrize("style", [{}, {"quoting": csv.QUOTE_ALL}, {"lineterminator": "\n"}])
def test_a_file_filled_in_is_read_back_in_any_order(tmp_path, style):
    rows = _filled_in(RANKING.ask(12), skip=5)
    labels = read_labels(_write(tmp_path / "ask.csv", rows[::-1], **style))
    assert labels.by_mark == {int(row["input"], 16): int(row["label"]) for row in rows[5:]}


def test_a_file_without_any_label_is_refused_as_labels(tmp_path):
    path = tmp_path / "ask.csv"
    path.write_text(RANKING.ask(3).to_csv())
    assert read_label_file(path) == {}
    with pytest.raises(ValueError, match=r"at least one filled in label is required, got none in .*ask\.csv"):
        read_labels(path)


def test_labels_of_an_earlier_file_stand_in_the_next_one(tmp_path):
    path = _write(tmp_path / "ask.csv", _filled_in(RANKING.ask(8)))
    known = read_label_file(path)
    later = rank_votes(CLASSES, path, num_classes=5).ask(4)
    path.write_text(later.to_csv())
    assert read_label_file(path) == known
    assert [row["label"] for row in csv.DictReader(path.read_text().splitlines())][:4] == [""] * 4


def test_without_places_inputs_are_named_by_their_digests_alone():
    questions = rank_votes(CLASSES, num_classes=5, places=None).ask(3)
    assert questions.indices == []
    assert [row["place"] for row in questions.to_records()] == [None] * 3
    assert "the data were shuffled; the digests find them" in " ".join(str(questions).split())


def test_the_loader_is_shown_where_there_are_several():
    assert "place loader input" in str(rank_votes(CLASSES, num_classes=5, loader=1).ask(3))
    assert "loader input" not in " ".join(str(RANKING.ask(3)).split())


def test_questions_are_exported_whole():
    state = json.loads(RANKING.ask(2).to_json())
    assert (len(state["rows"]), state["num_classes"], state["num_checkpoints"]) == (2, 5, 8)


def test_a_name_that_steers_a_terminal_is_escaped():
    votes = make_votes([[0, 1], [1, 1]])
    rows = [replace(row, path=path) for row, path in zip(RANKING.rows, votes.paths, strict=False)]
    rows[0] = replace(rows[0], path=votes.paths[0].with_name("a\x1b[2J.ckpt"))
    votes = replace(votes, paths=(rows[0].path, rows[1].path))
    questions = Questions.about(rows[:2], votes, torch.tensor([0]))
    assert "\x1b" not in str(questions) + questions.to_csv()


def test_a_ranking_without_predictions_has_nothing_to_ask():
    ranking = replace(RANKING, votes=None)
    with pytest.raises(ValueError, match="ask: predicted classes of the same inputs are required in all checkpoints"):
        ranking.ask()


def test_without_a_ranking_there_is_nothing_to_ask():
    with pytest.raises(ValueError, match="ask: a ranking is required, but there is none: no classes"):
        Ranking(RANKING.rows, None, ("fc1",), refusal="no classes").ask()
