"""A ranking on an HTML page."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import math
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from lightning_infomem.pages.html_report import Chapter
from lightning_infomem.pages.html_report import html_report as report_of_chapters
from lightning_infomem.records.flag import Flag
from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup
from lightning_infomem.selection.criteria import CRITERIA
from lightning_infomem.selection.leading import Consideration
from lightning_infomem.selection.ranking import Ranking
from tests.pages.parsed_page import Page

EVIL = "<script>alert('&')</script>\"$x"


def html_report(ranking: Ranking, title: str = "Checkpoints in runs") -> str:
    return report_of_chapters([Chapter(title, ranking)])


def _row(name: str, rank: int, **fields: object) -> RankedCheckpoint:
    known = {
        "path": Path("runs", "zoo", f"{name}.ckpt"),
        "epoch": 3,
        "step": 30,
        "entropy": 2.5 - rank,
        "mutual_information": 0.125 * rank,
        "rank": rank,
        "entropy_rank": 3 - rank,
        "interval": (0.125 * rank - 0.1, 0.125 * rank + 0.1),
        "rank_interval": (1, 2),
        "probability_best": 0.75 if rank == 1 else 0.25,
        "in_best_set": rank == 1,
        "ranks": {"mutual_information": rank, "entropy": 3 - rank, "epoch": 1},
    }
    return RankedCheckpoint(**{**known, **fields})


ROWS = (
    _row("a", 1, metrics={"val_loss": 0.5}, group="plain", kind="heuristic"),
    _row("b", 2, group="noisy", metrics={"val_loss": math.inf, "f1": 0.25}),
)
GROUPS = tuple(
    RankedGroup(name, (row.path,), row.mutual_information, row.interval, row.rank, (1, 2), 0.5, True)
    for name, row in zip(("plain", "noisy"), ROWS, strict=True)
)
FULL = Ranking(
    ROWS,
    "heuristic",
    ("fc1", "fc2"),
    skipped={str(Path("runs", "zoo", "c.ckpt")): "truncated"},
    notes=("a note",),
    evidence="heuristic memorization was given",
    flags=(Flag("dead_units", "layer 'fc1': over half"),),
    groups=GROUPS,
    control=_row("x", 2, path=Path("untrained control"), probability_best=None, in_best_set=None, rank_interval=None),
    missing={"rankme": "activations", "alpha_req": "activations", "path_norm": "weights"},
    order="heuristic",
)
REFUSED = dataclasses.replace(
    FULL,
    rows=tuple(
        dataclasses.replace(
            row, rank=None, entropy_rank=None, rank_interval=None, probability_best=None, in_best_set=None, ranks={}
        )
        for row in ROWS
    ),
    groups=(),
    control=None,
    memorization=None,
    order=None,
    refusal="the kind is not known; give it.",
)


@pytest.fixture(scope="module")
def full() -> Page:
    return Page(html_report(FULL))


def test_the_verdict_names_the_best_and_its_certainty(full: Page) -> None:
    assert "Best: a.ckpt. It is the best with a probability of 0.75; the other one is worse." in full.words
    assert (
        "Best recipe: plain. It is the best with a probability of 0.50; the other one cannot be distinguished"
        in full.words
    )
    assert "For heuristic memorization low mutual information and high entropy are better." in full.words
    assert "Heuristic memorization was given." in full.words


@pytest.mark.parametrize(
    ("best", "words"),
    [
        (1, "all others are worse."),
        (2, "1 of the 2 others cannot be distinguished from it."),
        (3, "2 of the 2 others cannot"),
    ],
)
def test_the_verdict_counts_those_that_cannot_be_distinguished_from_the_best(best: int, words: str) -> None:
    rows = tuple(_row(name, rank, in_best_set=rank <= best) for rank, name in enumerate("abc", start=1))
    assert words in Page(html_report(dataclasses.replace(FULL, rows=rows, groups=()))).words


def test_the_table_holds_every_checkpoint_with_its_numbers_and_the_control_last(full: Page) -> None:
    assert full.cells[1] == [
        [
            *("rank", "90 %", "checkpoint", "recipe", "epoch", "P(best)", "MI", "90 %", "entropy", "entropy rank"),
            *("kind", "val_loss", "f1"),
        ],
        [
            *("1", "1-2", "a.ckpt", "plain", "3", "0.75", "0.1250", "0.025-0.225", "1.5000", "2"),
            *("heuristic", "0.5", "-"),
        ],
        [
            *("2", "1-2", "b.ckpt", "noisy", "3", "0.25", "0.2500", "0.150-0.350", "0.5000", "1"),
            *("-", "-", "0.25"),
        ],
        [
            *("2", "-", "untrained control", "-", "3", "-", "0.2500", "0.150-0.350", "0.5000", "1"),
            *("-", "-", "-"),
        ],
    ]


def test_recipes_have_a_table_of_their_own(full: Page) -> None:
    assert full.cells[0] == [
        ["rank", "90 %", "recipe", "checkpoints", "P(best)", "MI", "90 %"],
        ["1", "1-2", "plain", "1", "0.50", "0.1250", "0.025-0.225"],
        ["2", "1-2", "noisy", "1", "0.50", "0.2500", "0.150-0.350"],
    ]


def test_the_best_set_and_the_control_are_marked(full: Page) -> None:
    assert full.marked[:7] == [None, "best", "best", None, "best", None, "control"]


def test_other_criteria_have_a_choice_a_definition_and_a_source(full: Page) -> None:
    lines = {line[0]: line[1:] for line in full.cells[2]}
    assert lines["mutual information"][:3] == ["'a.ckpt'", "1", "1.00"]
    assert lines["entropy"][:3] == ["'b.ckpt'", "2", "-1.00"]
    assert lines["epoch"][:3] == ["all alike", "-", "-"]
    source = {criterion.name: criterion.source for criterion in CRITERIA}
    assert lines["entropy"][4] == source["entropy"]
    assert "functional.binned_entropy" in lines["entropy"][3]


@pytest.mark.parametrize(
    "words",
    [
        "dead units: layer 'fc1': over half",
        "'c.ckpt': truncated",
        "a note",
        "rankme, alpha req: needs activations",
        "path norm: needs weights",
        "2 ranked separately: fc1, fc2",
        f"lightning-infomem {version('lightning-infomem')}",
        "Checkpoints in runs",
    ],
)
def test_nothing_of_the_ranking_is_left_out(full: Page, words: str) -> None:
    assert words in full.words


def test_the_page_contains_its_figures_and_fetches_nothing(full: Page) -> None:
    assert full.tags["svg"] == full.tags["figure"] == 2
    values = [value or "" for name, value in full.attributes if name in ("src", "href", "xlink:href")]
    assert all(value.startswith(("#", "data:")) for value in values)
    names = {name for name, _ in full.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not {"link", "iframe", "object", "img"} & set(full.tags)
    assert [value for name, value in full.attributes if name == "aria-label"] == [
        "Mutual information of each checkpoint",
        "Rank of each checkpoint by each criterion",
    ]


def test_the_policy_of_the_page_allows_its_one_script_alone() -> None:
    page = html_report(REFUSED)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'" in page


def test_text_from_files_is_escaped_everywhere() -> None:
    rows = (
        _row(EVIL, 1, metrics={EVIL: 0.5}, group=EVIL, path=Path("runs", EVIL, f"{EVIL.replace('/', '')}.ckpt")),
        _row("b", 2, group="b", path=Path("runs", EVIL, "b.ckpt")),
    )
    ranking = dataclasses.replace(
        FULL,
        rows=rows,
        layers=(EVIL,),
        skipped={EVIL: EVIL},
        notes=(EVIL,),
        evidence=EVIL,
        flags=(Flag(EVIL, EVIL),),
        groups=tuple(dataclasses.replace(group, name=EVIL) for group in GROUPS),
        missing={"rankme": EVIL},
    )
    for each in (ranking, dataclasses.replace(REFUSED, refusal=EVIL, notes=(EVIL,))):
        page = html_report(each, title=EVIL)
        parsed = Page(page)
        assert parsed.tags["script"] == 1  # the page's own
        assert parsed.words.count(EVIL) >= 3
    assert Page(html_report(ranking)).words.count("alert") >= 12


def test_without_a_ranking_the_page_gives_the_reason_and_the_values() -> None:
    page = Page(html_report(REFUSED))
    assert "No ranking. The kind is not known; give it." in page.words
    assert "Best:" not in page.words
    assert page.cells[0][1][:4] == ["a.ckpt", "plain", "3", "0.1250"]
    assert "rank" not in page.cells[0][0]
    assert page.tags["svg"] == 1


def test_the_evidence_is_shown_in_the_verdict_only() -> None:
    evidence = "the reference indicates heuristic memorization: 2 of 2"
    page = Page(html_report(dataclasses.replace(FULL, evidence=evidence, notes=(evidence, "a note"))))
    assert page.words.lower().count(evidence) == 1
    assert "a note" in page.words


def test_a_title_replaces_the_folder() -> None:
    page = html_report(REFUSED, title="A & B")
    assert "<title>A &amp; B</title>" in page
    assert "<h1>A &amp; B</h1>" in page


def test_the_page_has_a_dark_and_a_printed_style() -> None:
    page = html_report(REFUSED)
    for query in ("prefers-color-scheme: dark", "@media print", "max-width: 40rem"):
        assert query in page
    assert re.search(r'<meta name="viewport"[^>]*width=device-width', page)


def test_what_leads_is_shown_with_its_values_its_reason_and_the_settings_that_differ() -> None:
    rows = tuple(
        dataclasses.replace(
            row, score=0.75, score_interval=(0.625, 0.875), recipe={"dropout": 0.5 * place}, is_underfit=place == 1
        )
        for place, row in enumerate(ROWS)
    )
    why = (
        Consideration("neighbor_agreement", False, "not trusted: of little skill"),
        Consideration("consensus_accuracy", True, "nothing else is given"),
    )
    flags = (Flag("class_order", "classes of another order"),)
    led = dataclasses.replace(
        FULL, rows=rows, groups=(), order=None, criterion="consensus_accuracy", why=why, flags=flags, control=None
    )
    page = Page(html_report(led))
    assert "2 checkpoints, ranked by consensus accuracy" in page.words
    assert "Nothing else is given." in page.words
    assert page.words.index("classes of another order") < page.words.index("Best: a.ckpt")  # doubts first
    assert page.cells[0][1:] == [
        ["neighbor agreement", "no", "not trusted: of little skill"],
        ["consensus accuracy", "yes", "nothing else is given"],
    ]
    by_head = dict(zip(page.cells[1][0], page.cells[1][1], strict=True))
    assert (by_head["score"], by_head["dropout"], by_head["underfit"]) == ("0.7500", "0", "no")
    assert "Consensus accuracy of each checkpoint" in [value for name, value in page.attributes if name == "aria-label"]


def test_unknown_values_are_dashes() -> None:
    rows = (dataclasses.replace(ROWS[0], epoch=None, interval=(math.nan, math.nan)), ROWS[1])
    line = Page(html_report(dataclasses.replace(FULL, rows=rows, groups=(), control=None))).cells[0][1]
    assert (line[4], line[7]) == ("-", "-")


def test_remarks_are_no_doubts() -> None:
    flags = (Flag("two_classes", "errors coincide"), Flag("recipes_differ", "they differ in lr", is_doubt=False))
    words = Page(html_report(dataclasses.replace(FULL, flags=flags, criterion="consensus_accuracy"))).words
    assert words.index("errors coincide") < words.index("Best: ") < words.index("recipes differ: they differ in lr")
    assert "or within a point of it, with a probability of" in words
