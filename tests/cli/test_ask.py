"""`infomem ask`, and the way from its file to a ranking."""

from __future__ import annotations

import csv
import shlex

import pytest

from lightning_infomem.cli.main import main
from tests.checkpoints.checkpoint_files import make_predictions, make_report, save_checkpoint, save_zoo
from tests.selection.made_up_votes import misled_zoo

TRUTH, CLASSES = misled_zoo(1)


@pytest.fixture
def zoo(tmp_path):
    folder = tmp_path / "my runs"
    for name, own in zip("abcdefgh", CLASSES, strict=True):
        report = make_report({"fc1": 0.1}, predictions=make_predictions(own, num_classes=5))
        save_checkpoint(folder / f"{name}.ckpt", report)
    return folder


def _fill_in(path, *, keep=0):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows[keep:]:
        row["label"] = str(int(TRUTH[int(row["place"])]))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows[::-1])  # as a spreadsheet may sort them
    return {row["input"]: row["label"] for row in rows if row["label"]}


def _labels(path):
    with path.open(newline="") as file:
        return {row["input"]: row["label"] for row in csv.DictReader(file) if row["label"]}


def test_a_file_is_asked_for_filled_in_and_ranked_with_by_the_command_that_is_printed(zoo, tmp_path, capsys):
    path = tmp_path / "ask.csv"
    assert main(["rank", str(zoo)]) == 0
    assert "Best: 'a.ckpt'" not in capsys.readouterr().out
    assert main(["ask", str(zoo), "--output", str(path)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"wrote {path}: 20 inputs to label"
    _fill_in(path)
    assert out[-1].startswith("Then: infomem rank ")
    assert main(shlex.split(out[-1])[2:]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Best: 'a.ckpt'" in out
    assert "20 labels are given" in out


def test_the_file_grows_and_keeps_the_labels_that_it_has(zoo, tmp_path, capsys):
    path = tmp_path / "ask.csv"
    words = ["ask", str(zoo), "--number", "8", "--output", str(path)]
    assert main(words) == 0
    labels = _fill_in(path, keep=3)
    assert main([*words, "--labels", str(path)]) == 0
    assert f"wrote {path}: 8 inputs to label, and 5 that are labelled" in capsys.readouterr().out
    assert _labels(path) == labels
    with path.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 13


def test_labels_are_not_overwritten_without_saying_so(zoo, tmp_path, capsys):
    path = tmp_path / "ask.csv"
    words = ["ask", str(zoo), "--number", "8", "--output", str(path)]
    assert main(words) == 0
    assert main(words) == 0  # nothing was filled in
    labels = _fill_in(path, keep=3)
    capsys.readouterr()
    assert main(words) == 2
    err = capsys.readouterr().err
    assert "of whose 5 labels 5 would be lost; add --labels" in err
    assert err.count("\n") == 1
    assert _labels(path) == labels
    assert main([*words, "--force"]) == 0
    assert _labels(path) == {}


def test_a_file_of_another_kind_is_not_overwritten(zoo, tmp_path, capsys):
    path = tmp_path / "results.csv"
    path.write_text("name,accuracy\na,0.9\n")
    words = ["ask", str(zoo), "--output", str(path)]
    assert main(words) == 2
    assert "a new file, or one that `infomem ask` wrote, is required" in capsys.readouterr().err
    assert path.read_text() == "name,accuracy\na,0.9\n"
    assert main([*words, "--force"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--number", "0"], "number: a whole number >= 1 is required, got 0"),
        (["--number", "301"], "number: at most 300 is required"),
        (["--labels", "none.csv"], "labels: a file that Ranking.ask has written is required, got 'none.csv'"),
        (["--output", "nowhere/ask.csv"], "--output: a file in an existing folder is required"),
    ],
)
def test_bad_options_are_one_line_of_error(zoo, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["ask", str(zoo), *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "ask.csv").exists()


def test_checkpoints_without_predictions_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = save_zoo(tmp_path / "zoo", {"low": 0.1, "high": 0.9, "middle": 0.4})
    assert main(["ask", str(folder)]) == 2
    assert "no predicted classes" in capsys.readouterr().err
    assert not (tmp_path / "ask.csv").exists()
