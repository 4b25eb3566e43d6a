"""Runs, several of them, and rankings beside them on an HTML page."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from lightning_infomem.checkpoints.reading import find_checkpoints
from lightning_infomem.pages.html_report import Chapter, html_report
from lightning_infomem.reporting.meaning import LIMITS, MEANING
from lightning_infomem.runs.recorded_runs import recorded_runs
from lightning_infomem.selection.judge_run import judge_run
from tests.checkpoints.checkpoint_files import make_layer, make_run, save_checkpoint, save_run
from tests.pages.parsed_page import Page
from tests.runs.written_runs import write_run

pytestmark = pytest.mark.usefixtures("undrawn")  # but the fixtures below are drawn

OF_A_RUN = [
    "The run: what is watched, and where the alarm was on",
    "Means of every layer at every measurement",
    "The way of every layer in the plane of both measures",
    "Entropy of units and mutual information of their pairs, newest report",
    "Mutual information of all pairs of units, similar units side by side, newest report",
]


def runs_in(place: Path) -> Chapter:
    checkpoints = find_checkpoints(place) if list(place.rglob("*.ckpt")) else []
    runs, faults = recorded_runs([place], checkpoints)
    return Chapter("A title", runs=runs, faults=faults)


@pytest.fixture(scope="module")
def memorizing(tmp_path_factory) -> Page:
    folder = tmp_path_factory.mktemp("memorizing")
    save_run(folder / "last.ckpt", make_run(8, memorizes=True))
    return Page(html_report([runs_in(folder)]))


def test_the_page_of_a_run_begins_with_its_verdict(memorizing: Page) -> None:
    place = memorizing.words.index("MEMORIZING since epoch 6; keep epoch 3")
    assert place < 200
    assert "smoothness down 0.40, 30% of inputs left the consensus" in memorizing.words


def test_the_page_has_every_figure_of_the_run_and_of_its_newest_report(memorizing: Page) -> None:
    assert memorizing.figures == OF_A_RUN


def test_the_page_has_a_row_for_every_layer(memorizing: Page) -> None:
    assert memorizing.cells[0] == [
        ["layer", "units", "samples", "entropy", "MI", "MI drop", "smoothness", "dead", "ties"],
        ["first", "3", "100", "2.7000", "0.4300", "14%", "0.500", "0%", "0%"],
        ["last", "3", "100", "2.7000", "0.4300", "14%", "0.500", "0%", "0%"],
    ]


def test_the_page_has_a_row_for_every_measurement_and_marks_the_alarm(memorizing: Page) -> None:
    head, *lines = memorizing.cells[1]
    assert head == [
        *("measured at", "epoch", "entropy", "MI", "MI drop", "smoothness", "smoothness drop", "consensus drop"),
        "seconds",
    ]
    assert [line[0] for line in lines] == [f"step {step}" for step in range(10, 90, 10)]
    assert lines[-1] == ["step 80", "7", "2.7000", "0.4300", "14%", "0.500", "0.400", "0.300", "0.26"]
    assert memorizing.marked[4:12] == [None] * 6 + ["doubtful"] * 2


def test_the_page_has_the_settings_and_explains_the_numbers(memorizing: Page) -> None:
    settings = dict(line for line in memorizing.cells[2])
    assert (settings["neighbors"], settings["bins"], settings["backend"]) == ("3", "100", "reference")
    for words in (*MEANING, *LIMITS):
        assert words in memorizing.words


def test_the_page_of_a_run_file_alone_names_what_is_missing(tmp_path: Path) -> None:
    write_run(tmp_path / "run", {"fc": {"mi_mean": [0.1, 0.2, 0.3, 0.4]}}, epochs=4)
    page = Page(html_report([runs_in(tmp_path)]))
    assert page.figures == OF_A_RUN[1:3]
    assert page.cells[0][1][:3] == ["fc", "-", "-"]
    assert "The run file does not hold the settings; checkpoints do" in page.words


def test_a_single_measurement_has_a_page_without_courses(tmp_path: Path) -> None:
    save_run(tmp_path / "a.ckpt", make_run(1))
    page = Page(html_report([runs_in(tmp_path)]))
    assert page.figures == [OF_A_RUN[0], *OF_A_RUN[3:]]
    assert "too early to tell: 1 of 4 measurements" in page.words


def test_many_measurements_are_folded(tmp_path: Path) -> None:
    save_run(tmp_path / "a.ckpt", make_run(26))
    page = Page(html_report([runs_in(tmp_path)]))
    assert page.tags["details"] == 1
    assert "all 26 measurements" in page.words


def test_layers_that_are_not_finite_or_not_measured_are_named_as_doubts(tmp_path: Path) -> None:
    *others, last = make_run(5)
    broken = make_layer("broken", math.nan, math.nan, dead_fraction=1.0)
    dead = make_layer("dead", 0.0, 0.0, dead_fraction=1.0)
    last = dataclasses.replace(last, layers=(*last.layers, broken, dead), skipped={"odd": "it gives no tensor"})
    save_run(tmp_path / "a.ckpt", [*others, last])
    page = Page(html_report([runs_in(tmp_path)]))
    for words in (
        "not finite: layer 'broken': no finite entropy or mutual information",
        "dead units: layer 'dead': over half of the units are constant",
        "skipped: layer 'odd' was not measured: it gives no tensor",
    ):
        assert words in page.words
    assert page.figures == OF_A_RUN


def test_a_run_without_any_finite_value_has_a_page(tmp_path: Path) -> None:
    reports = [
        dataclasses.replace(report, layers=(make_layer("first", math.nan, math.nan, units=2),))
        for report in make_run(4)
    ]
    save_run(tmp_path / "a.ckpt", reports)
    page = Page(html_report([runs_in(tmp_path)]))
    assert "has its training diverged?" in page.words
    assert page.cells[0][1][3:5] == ["-", "-"]


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> Page:
    folder = tmp_path_factory.mktemp("several")
    for place, name in enumerate(("one", "two", "three", "four")):
        save_run(folder / name / "last.ckpt", make_run(8, memorizes=name == "two", seed=place / 8))
    return Page(html_report([runs_in(folder)]))


def test_several_runs_are_compared_before_each_is_shown(several: Page) -> None:
    head, *lines = several.cells[0]
    assert head == ["run", "measured", "last epoch", "entropy", "MI", "MI drop", "smoothness", "alarm"]
    assert [line[0] for line in lines] == [f"{name}/last.ckpt" for name in ("four", "one", "three", "two")]
    assert lines[3][1:3] == ["8", "7"]
    assert lines[3][-1] == "MEMORIZING since epoch 6; keep epoch 3"
    assert lines[0][-1] == "no sign of stored examples"
    assert several.marked[:5] == [None, None, None, None, "doubtful"]
    assert several.tags["details"] == 4


def test_more_than_three_runs_are_drawn_only_in_comparison(several: Page, tmp_path: Path) -> None:
    compared = ["Means over the layers along each run", "Entropy of units and mutual information of their pairs"]
    assert several.figures == compared
    for name, seed in (("one", 0.0), ("two", 0.125)):
        save_run(tmp_path / name / "last.ckpt", make_run(4, seed=seed))
    assert Page(html_report([runs_in(tmp_path)])).figures == [*compared, *OF_A_RUN, *OF_A_RUN]


def test_runs_are_compared_by_step_if_one_was_measured_within_epochs(tmp_path: Path, monkeypatch) -> None:
    for name, seed in (("one", 0.0), ("two", 0.125)):
        save_run(tmp_path / name / "last.ckpt", make_run(4, seed=seed))
    one, two = runs_in(tmp_path).runs
    for index, values in enumerate(two.course.history):
        values["epoch"] = index / 2  # as transformers counts them
    drawn = []
    monkeypatch.setattr("lightning_infomem.plots.plot_runs", lambda runs, names: drawn.extend(runs))
    html_report([Chapter("Both", runs=(one, two))])
    assert [(run.unit, run.moments) for run in drawn] == [("step", [10, 20, 30, 40])] * 2


@pytest.mark.parametrize("counts", [range(1, 9), (4, 8)])
def test_a_run_judged_by_its_checkpoints_has_one_verdict_and_one_figure(tmp_path: Path, counts) -> None:
    reports = make_run(8, memorizes=True)
    for count in counts:
        save_run(tmp_path / f"{count}.ckpt", reports[:count], run_id="run")
    page = Page(html_report([dataclasses.replace(runs_in(tmp_path), verdict=judge_run(tmp_path))]))
    assert page.figures == OF_A_RUN
    assert "This run stores single examples from epoch 4, step 50 on (alarm at epoch 6, step 70)" in page.words
    assert "Keep '4.ckpt'." in page.words
    assert "MEMORIZING" not in page.words
    assert page.cells[-1][0][0] == "checkpoint"
    assert len(page.cells[-1]) == 1 + len(counts)


def test_the_verdict_of_the_monitor_is_shown_if_it_saw_more_than_the_checkpoints(
    tmp_path: Path,
) -> None:
    reports = make_run(8, memorizes=True)
    save_run(tmp_path / "watched.ckpt", reports, run_id="run")
    chapter = runs_in(tmp_path)
    save_checkpoint(tmp_path / "few" / "4.ckpt", reports[3], epoch=3, step=40)
    page = Page(html_report([dataclasses.replace(chapter, verdict=judge_run(tmp_path / "few"))]))
    assert "MEMORIZING since epoch 6; keep epoch 3" in page.words
    assert "No verdict" not in page.words
    assert page.figures == OF_A_RUN


def test_runs_in_one_folder_are_named_by_what_differs(tmp_path: Path) -> None:
    write_run(tmp_path / "one", {"fc": {}}, epochs=2)
    write_run(tmp_path / "one", {"fc": {}}, epochs=2, prefix="other", run_id="aaaaaaaa")
    write_run(tmp_path / "one", {"fc": {}}, epochs=2, prefix="other", run_id="bbbbbbbb")
    write_run(tmp_path / "two", {"fc": {}}, epochs=2, run_id="cccccccc")
    _, *lines = Page(html_report([runs_in(tmp_path)])).cells[0]
    assert [line[0] for line in lines] == ["one, infomem", "one, other, run aaaaaa", "one, other, run bbbbbb", "two"]


def test_a_page_of_several_chapters_links_to_each(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_run(tmp_path / name / "last.ckpt", make_run(1))
    chapters = [dataclasses.replace(runs_in(tmp_path / name), title=f"Chapter <{name}>") for name in ("a", "b")]
    text = html_report(chapters, title="All")
    page = Page(text)
    assert "<h1>All</h1>" in text
    for place, name in enumerate(("a", "b"), start=1):
        assert f'<a href="#chapter-{place}">Chapter &lt;{name}&gt;</a>' in text
        assert f'<h2 id="chapter-{place}">Chapter &lt;{name}&gt;</h2>' in text
    assert page.tags["h3"] > 0


def test_files_that_cannot_be_read_are_named_with_the_reason(tmp_path: Path) -> None:
    save_run(tmp_path / "good.ckpt", make_run(2))
    (tmp_path / "bad.ckpt").write_bytes(b"no checkpoint")
    chapter = dataclasses.replace(runs_in(tmp_path), note="nothing was ranked <yet>")
    page = Page(html_report([chapter]))
    assert "Nothing was ranked <yet>." in page.words
    assert "Not read" in page.words
    assert "bad.ckpt" in page.words


def test_names_from_files_are_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)"
    reports = [
        dataclasses.replace(
            report, layers=tuple(dataclasses.replace(each, name=evil + each.name) for each in report.layers)
        )
        for report in make_run(2)
    ]
    save_run(tmp_path / evil / "a.ckpt", reports)
    save_run(tmp_path / evil / "b.ckpt", make_run(2, seed=0.125))
    chapter = dataclasses.replace(runs_in(tmp_path), title=evil, faults={evil: evil}, note=evil)
    assert Page(html_report([chapter])).tags["script"] == 1


def test_the_same_runs_give_the_same_page(tmp_path: Path) -> None:
    save_run(tmp_path / "a.ckpt", make_run(3))
    assert html_report([runs_in(tmp_path)]) == html_report([runs_in(tmp_path)])
