"""Inputs to label on a page: pictures, texts, or places only."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lightning_infomem.pages.html_report import Chapter, html_report
from lightning_infomem.pages.picture import embed_picture
from lightning_infomem.pages.questions_part import QuestionsPart
from lightning_infomem.sampling.batches import mark_examples, parts_of
from lightning_infomem.selection.questions import Question, Questions
from tests.pages.parsed_page import Page
from tests.selection.made_up_votes import misled_zoo, rank_votes

IMAGES = torch.rand(30, 1, 6, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(30) % 3
TEXTS = [f"text number {number} <script>alert(1)</script>" for number in range(30)]
TOKENS = torch.arange(1, 151).reshape(30, 5)
ASKED = [7, 29, 0]


def _batches(inputs, size=8, order=None):
    places = list(range(30)) if order is None else order
    groups = [places[start : start + size] for start in range(0, 30, size)]
    return [
        ([inputs[row] for row in rows] if isinstance(inputs, list) else inputs[rows], LABELS[rows]) for rows in groups
    ]


def _questions(inputs, places=ASKED, **fields):
    marks = mark_examples(parts_of((inputs, LABELS)), 30, torch.arange(30))
    rows = [
        Question(
            **{"place": place, "loader": 0, "input": f"{int(marks[place]) % 2**64:016x}", "says": "1: a", **fields}
        )
        for place in places
    ]
    return Questions(tuple(rows), (), 3, 4)


@pytest.mark.parametrize("order", [None, torch.randperm(30, generator=torch.Generator().manual_seed(1)).tolist()])
def test_pictures_are_found_by_their_digests_in_any_order(order):
    part = QuestionsPart(_questions(IMAGES), _batches(IMAGES, order=order))
    assert [each.question.place for each in part.inputs] == ASKED
    assert [each.picture for each in part.inputs] == [embed_picture(IMAGES[place]) for place in ASKED]
    assert [each.text for each in part.inputs] == [None] * 3


def test_texts_are_shown_and_long_ones_shortened():
    texts = [*TEXTS[:29], "long " * 1000]
    found = QuestionsPart(_questions(texts), _batches(texts)).inputs
    assert [each.text for each in found] == [TEXTS[7], ("long " * 1000)[:2000] + " ...", TEXTS[0]]
    assert [each.picture for each in found] == [None] * 3


def test_token_ids_are_decoded_without_their_padding():
    mask = torch.ones_like(TOKENS)
    mask[:, 3:] = 0
    marks = mark_examples(parts_of({"input_ids": TOKENS, "attention_mask": mask}), 30, torch.arange(30))
    questions = _questions(TOKENS)
    rows = [
        replace(row, input=f"{int(marks[place]) % 2**64:016x}")
        for row, place in zip(questions.rows, ASKED, strict=True)
    ]
    questions = replace(questions, rows=tuple(rows))
    batch = {"input_ids": TOKENS, "attention_mask": mask, "labels": LABELS}
    found = QuestionsPart(questions, [batch], lambda ids: " ".join(map(str, ids))).inputs
    assert [each.text for each in found] == ["36 37 38", "146 147 148", "1 2 3"]
    assert [(each.text, each.picture) for each in QuestionsPart(questions, [batch]).inputs] == [(None, None)] * 3


def test_rows_of_a_table_have_their_place_only():
    table = torch.rand(30, 5, generator=torch.Generator().manual_seed(0))
    found = QuestionsPart(_questions(table), _batches(table)).inputs
    assert [(each.question.place, each.picture, each.text) for each in found] == [
        (place, None, None) for place in ASKED
    ]


def test_reading_ends_with_the_last_input_that_is_asked_about():
    def batches():
        yield from _batches(IMAGES)[:1]
        raise AssertionError("the second batch is not needed")

    assert QuestionsPart(_questions(IMAGES, [3, 2]), batches()).inputs[0].picture is not None


def test_data_without_the_inputs_are_refused():
    with pytest.raises(ValueError, match=r"data: the inputs .* got batches without 1 of 3 that are asked about"):
        _ = QuestionsPart(_questions(IMAGES), _batches(IMAGES)[:-1]).inputs
    with pytest.raises(TypeError, match="data: "):
        _ = QuestionsPart(_questions(IMAGES), IMAGES).inputs


def test_a_page_shows_every_input_and_escapes_what_others_wrote():
    questions = _questions(TEXTS, says="1: <b>.ckpt", loader=2)
    page = html_report([Chapter("To label", questions=questions, data=_batches(TEXTS))])
    parsed = Page(page)
    assert "3 inputs whose labels would tell most about which of 4 checkpoints is best." in parsed.words
    assert "Place 7 of loader 2, input" in " ".join(parsed.words.split())
    assert "text number 29 &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "1: &lt;b&gt;.ckpt" in page
    assert (parsed.tags["script"], parsed.tags["b"], parsed.tags["blockquote"], parsed.tags["img"]) == (1, 0, 3, 0)


def test_a_page_with_pictures_fetches_nothing():
    questions = _questions(IMAGES)
    parsed = Page(html_report([Chapter("To label", questions=questions, data=_batches(IMAGES))]))
    sources = [value for name, value in parsed.attributes if name == "src"]
    assert sources == [embed_picture(IMAGES[place]) for place in ASKED]
    assert parsed.tags["img"] == 3


def test_without_data_or_places_the_digests_are_shown():
    rows = tuple(replace(row, place=None) for row in _questions(IMAGES).rows)
    questions = replace(_questions(IMAGES), rows=rows)
    words = " ".join(Page(html_report([Chapter("To label", questions=questions)])).words.split())
    assert all(f"input {row.input}" in words for row in rows)
    assert "Place" not in words.replace("The places of the inputs are not known", "")


def test_a_page_has_a_ranking_and_its_questions():
    ranking = rank_votes(misled_zoo(0)[1], num_classes=5)
    chapter = Chapter("Both", ranking=ranking, questions=ranking.ask(4))
    assert Page(html_report([chapter])).tags["li"] > 4
