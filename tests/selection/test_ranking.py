"""A ranking is printed, saved as JSON, and turned into a data frame."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

from rich.console import Console

from lightning_infomem.records.ranking_row import RankedCheckpoint
from lightning_infomem.selection.ranking import Ranking

FOLDER = Path("runs", "[zoo]")
ROWS = (
    RankedCheckpoint(FOLDER / "a[bold].ckpt", 3, 30, 2.5, 0.125, 1, 2, {"val_loss": 0.25}),
    RankedCheckpoint(FOLDER / "b" / "b.ckpt", None, None, 2.75, 0.5, 2, 1, {"val_loss": math.inf}),
)
RANKING = Ranking(ROWS, "heuristic", ("fc1",), {str(FOLDER / "c.ckpt"): "truncated"}, ("a note",), order="heuristic")


def _print(ranking, width):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(ranking)
    return console.file.getvalue()


def test_json_holds_everything_and_nothing_that_json_lacks():
    state = json.loads(RANKING.to_json())
    known = ("path", "epoch", "step", "entropy", "mutual_information", "rank", "entropy_rank", "metrics")
    assert {name: state["rows"][0][name] for name in known} == {
        "path": str(FOLDER / "a[bold].ckpt"),
        "epoch": 3,
        "step": 30,
        "entropy": 2.5,
        "mutual_information": 0.125,
        "rank": 1,
        "entropy_rank": 2,
        "metrics": {"val_loss": 0.25},
    }
    assert state["rows"][1]["metrics"] == {"val_loss": None}
    assert (state["memorization"], state["refusal"], state["notes"]) == ("heuristic", None, ["a note"])
    assert state["skipped"] == {str(FOLDER / "c.ckpt"): "truncated"}


def test_a_data_frame_has_a_line_for_each_checkpoint_and_a_column_for_each_metric():
    frame = RANKING.to_dataframe()
    first = ("rank", "rank_interval_low", "rank_interval_high", "path", "epoch", "step", "score")
    assert tuple(frame.columns[: len(first)]) == first
    assert frame["val_loss"].tolist() == [0.25, math.inf]
    assert frame["rank"].tolist() == [1, 2]
    assert frame["epoch"].isna().tolist() == [False, True]


def test_a_data_frame_of_a_refused_ranking_has_no_ranks():
    rows = (RankedCheckpoint(FOLDER / "a.ckpt", 3, 30, 2.5, 0.125, None, None),)
    assert Ranking(rows, None, ("fc1",), refusal="because").to_dataframe()["rank"].isna().all()


def test_the_table_says_names_values_direction_skipped_and_notes():
    text = " ".join(RANKING.to_table(everything=True).to_text().split())
    for part in (
        "a[bold].ckpt",
        "b/b.ckpt",
        "0.1250",
        "2.7500",
        "[zoo]",
        "val_loss",
        "'c.ckpt': truncated",
        "note: a note",
    ):
        assert part in text
    assert "for heuristic memorization: low mutual information and high entropy are better" in text
    assert "\x1b" not in text


def test_the_table_fits_a_narrow_terminal_with_every_number_whole():
    text = _print(RANKING, 60)
    assert max(len(line) for line in text.splitlines()) <= 60
    for number in ("0.1250", "0.5000", "2.5000", "2.7500"):
        assert number in text


def test_a_refused_ranking_shows_values_without_ranks():
    rows = (RankedCheckpoint(FOLDER / "a.ckpt", 3, 30, 2.5, 0.125, None, None),)
    text = str(Ranking(rows, None, ("fc1",), refusal="because of this"))
    assert "0.1250" in text
    assert "No ranking: because of this" in text
    assert "rank\n" not in text.replace(" ", "")
    assert "None" not in text


def test_best_is_the_first_row():
    assert RANKING.best == ROWS[0]


def test_a_metric_that_is_called_like_a_column_keeps_both():
    row = RankedCheckpoint(FOLDER / "a.ckpt", 3, 30, 2.5, 0.125, 1, 1, {"epoch": 7.0}, scores={"epoch": 3.0})
    [record] = Ranking((row,), "heuristic", ("fc1",), order="heuristic").to_records()
    assert (record["epoch"], record["metric_epoch"]) == (3, 7.0)
