"""`infomem report`, and the options that it shares with `infomem rank`."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os

import pytest
import torch

from lightning_infomem.cli.main import main
from lightning_infomem.records.report import REPORT_KEY
from lightning_infomem.settings import MeasurementSettings
from tests.checkpoints.checkpoint_files import MONITOR, make_report, make_run, save_checkpoint, save_run, save_zoo
from tests.runs.written_runs import write_run
from tests.selection.saved_runs import MEMORIZING, save_epochs

pytestmark = pytest.mark.usefixtures("undrawn")

ZOO = {"plain-seed0": 0.1, "plain-seed1": 0.2, "noisy-seed0": 0.5, "noisy-seed1": 0.6}
GIVEN = ("--memorization", "heuristic")


@pytest.fixture
def zoo(tmp_path):
    return save_zoo(tmp_path / "zoo", ZOO)


def _rows(capsys):
    return json.loads(capsys.readouterr().out)


def test_a_report_is_written_where_it_says(zoo, tmp_path, capsys):
    target = tmp_path / "a.html"
    target.write_text("old")
    assert main(["report", str(zoo), *GIVEN, "--output", str(target)]) == 0
    assert capsys.readouterr() == (f"wrote {target}\n", "")
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.index("plain-seed0.ckpt") < page.index("noisy-seed1.ckpt")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.html"]  # and nothing half-written


def test_a_pattern_that_no_shell_has_expanded_is_searched_for(tmp_path, capsys):
    for seed in range(2):
        save_run(tmp_path / f"run{seed}" / "last.ckpt", make_run(5, seed=seed / 8), run_id=str(seed))
    pattern, target = f"{tmp_path}/run*/last.ckpt", tmp_path / "a.html"
    assert main(["rank", pattern, *GIVEN]) == 0
    assert main(["report", pattern, "--output", str(target)]) == 0
    assert "run1" in target.read_text(encoding="utf-8")


def test_a_report_has_a_name_of_its_own(zoo, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["report", "zoo", *GIVEN]) == 0
    assert capsys.readouterr().out == "wrote infomem-report.html\n"
    assert (tmp_path / "infomem-report.html").exists()


@pytest.mark.parametrize("words", [["report"], ["rank", "--format", "csv"]])
def test_a_refused_ranking_is_written_all_the_same(zoo, tmp_path, capsys, words):
    target = tmp_path / "a.out"
    assert main([*words, str(zoo), "--output", str(target)]) == 2
    out, err = capsys.readouterr()
    assert out == f"wrote {target}\n"
    assert err.startswith("infomem: no ranking: predictions cannot be compared")
    assert err.count("\n") == 1
    assert "plain-seed0.ckpt" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("nowhere/a.html", "--output: a file in an existing folder is required, got"),
        ("", "--output: the name of a file is required, got the folder"),
    ],
)
@pytest.mark.parametrize("command", ["rank", "report"])
def test_a_place_that_cannot_be_written_to_is_one_line_of_error(zoo, tmp_path, capsys, command, output, message):
    assert main([command, str(zoo), *GIVEN, "--output", str(tmp_path / output)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("form", "start"),
    [("csv", "rank,rank_interval_low,"), ("markdown", "- Best: "), ("json", "{\n"), ("table", "Best: ")],
)
def test_every_format_is_printed_and_written_alike(zoo, tmp_path, capsys, monkeypatch, form, start):
    monkeypatch.setenv("COLUMNS", "100")  # as wide as a table in a file
    assert main(["rank", str(zoo), *GIVEN, "--format", form]) == 0
    printed = capsys.readouterr().out
    assert main(["rank", str(zoo), *GIVEN, "--format", form, "--output", str(tmp_path / "a.txt")]) == 0
    written = (tmp_path / "a.txt").read_bytes().decode()
    assert [line.rstrip() for line in printed.splitlines()] == written.splitlines()
    assert written.endswith("\n")
    assert not written.endswith("\n\n")
    assert printed.startswith(start)
    for name in ZOO:
        assert f"{name}.ckpt" in printed


def test_csv_has_a_line_for_each_checkpoint(zoo, capsys):
    assert main(["rank", str(zoo), *GIVEN, "--format", "csv"]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [line["path"].rpartition("/")[2] for line in lines] == [f"{name}.ckpt" for name in ZOO]
    assert [line["rank"] for line in lines] == ["1", "2", "3", "4"]


def test_recipes_are_read_off_the_names_of_files(zoo, capsys):
    assert main(["rank", str(zoo), *GIVEN, "--json", "--groups", "^(.+)-seed"]) == 0
    assert [(group["name"], len(group["paths"])) for group in _rows(capsys)["groups"]] == [("plain", 2), ("noisy", 2)]


def test_recipes_are_read_off_the_folders_below_the_one_given(tmp_path, capsys):
    for name, value in {"a/seed0": 0.1, "a/seed1": 0.2, "b/seed0": 0.5}.items():
        save_checkpoint(tmp_path / "runs-seed" / name / "last.ckpt", make_report({"fc": value}))
    assert main(["rank", str(tmp_path / "runs-seed"), *GIVEN, "--json", "--groups", "^(.+)/seed"]) == 0
    assert [group["name"] for group in _rows(capsys)["groups"]] == ["a", "b"]


def test_recipes_are_read_off_files_that_are_given_one_by_one(zoo, capsys):
    files = [str(zoo / f"{name}.ckpt") for name in ZOO]
    assert main(["rank", *files, *GIVEN, "--json", "--groups", "^(.+)-seed"]) == 0
    assert [group["name"] for group in _rows(capsys)["groups"]] == ["plain", "noisy"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "--groups: a regular expression is required, got '('"),
        ("seed", "--groups: a regular expression with a (group) around the recipe's name is required, got 'seed'"),
        ("(plain)", "--groups: a pattern that finds a recipe in every name is required, got '(plain)'"),
        ("(x*)", "which finds none in 'noisy-seed0.ckpt'"),
        ("(seed)", "groups: at least two are required, got only 'seed'"),
    ],
)
@pytest.mark.parametrize("command", ["rank", "report"])
def test_a_pattern_that_makes_no_groups_is_one_line_of_error(
    zoo, capsys, tmp_path, monkeypatch, command, pattern, message
):
    monkeypatch.chdir(tmp_path)
    assert main([command, str(zoo), *GIVEN, "--groups", pattern]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_reports_that_differ_are_ranked_where_that_is_allowed(tmp_path, capsys):
    other = MeasurementSettings(bins=50, neighbors=4).to_state()
    save_checkpoint(tmp_path / "a.ckpt", make_report({"fc": 0.1}))
    save_checkpoint(tmp_path / "b.ckpt", dataclasses.replace(make_report({"fc": 0.5}), settings=other))
    assert main(["rank", str(tmp_path), *GIVEN]) == 2
    assert "allow_mismatch" in capsys.readouterr().err
    allow = ["--allow-mismatch", "settings.bins", "settings.neighbors"]
    assert main(["rank", str(tmp_path), *GIVEN, "--json", *allow]) == 0
    assert "settings.bins" in " ".join(_rows(capsys)["notes"])
    allow = ["--allow-mismatch", "settings.bins", "--allow-mismatch", "settings.neighbors"]
    assert main(["rank", str(tmp_path), *GIVEN, *allow]) == 0


def test_weights_are_looked_at_only_when_asked(zoo, capsys):
    assert main(["rank", str(zoo), *GIVEN, "--json"]) == 0
    assert "spectral_norm_sum" not in _rows(capsys)["rows"][0]["scores"]
    assert main(["rank", str(zoo), *GIVEN, "--json", "--weight-norms"]) == 0
    assert "spectral_norm_sum" in _rows(capsys)["rows"][0]["scores"]


def test_epochs_of_one_run_are_judged_unless_a_ranking_is_asked_for(tmp_path, capsys):
    folder = str(save_epochs(tmp_path / "run", MEMORIZING))
    target = tmp_path / "a.html"
    assert main(["report", folder, "--output", str(target)]) == 0
    page = target.read_text(encoding="utf-8")
    assert "This run stores single examples from epoch" in page
    assert "No ranking" not in page
    capsys.readouterr()
    assert main(["report", folder, *GIVEN, "--output", str(target)]) == 2
    assert "epochs or steps of one run" in capsys.readouterr().err


def test_a_run_is_shown_without_a_ranking_and_without_an_error(tmp_path, capsys):
    save_run(tmp_path / "run" / "last.ckpt", make_run(5))
    target = tmp_path / "a.html"
    assert main(["report", str(tmp_path / "run"), "--output", str(target)]) == 0
    assert capsys.readouterr() == (f"wrote {target}\n", "")
    page = target.read_text(encoding="utf-8")
    assert "<h1>Run run</h1>" in page
    assert "no sign of stored examples" in page


def test_a_run_file_is_enough_for_a_report(tmp_path, capsys):
    write_run(tmp_path / "version_0", {"fc": {}}, epochs=2)
    assert main(["report", str(tmp_path), "--output", str(tmp_path / "a.html")]) == 0
    assert "too early to tell: 2 of 4 measurements" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_runs_that_cannot_be_ranked_are_shown_with_the_reason(tmp_path, capsys):
    for name, seed in (("one", 0.0), ("two", 0.125)):
        save_run(tmp_path / name / "last.ckpt", make_run(2, seed=seed))
    arguments = ["report", str(tmp_path), "--output", str(tmp_path / "a.html")]
    assert main(arguments) == 0
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<b>No ranking.</b> Consensus accuracy: a consensus needs 3 checkpoints or more, got 2; give a" in page
    assert "two/last.ckpt" in page
    capsys.readouterr()
    assert main([*arguments, "--weight-norms"]) == 2  # who asks how to rank wants a ranking
    assert "no ranking: consensus accuracy: a consensus needs 3 checkpoints" in capsys.readouterr().err
    assert main([*arguments, *GIVEN]) == 0
    assert "For heuristic memorization low mutual information" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_runs_whose_reports_cannot_be_compared_are_shown_all_the_same(tmp_path, capsys):
    reports = make_run(2, seed=0.125)
    other = [dataclasses.replace(each, settings=MeasurementSettings(bins=50).to_state()) for each in reports]
    save_run(tmp_path / "one" / "last.ckpt", make_run(2))
    save_run(tmp_path / "two" / "last.ckpt", other)
    arguments = ["report", str(tmp_path), "--output", str(tmp_path / "a.html")]
    assert main(arguments) == 0
    assert "The checkpoints are not ranked." in (tmp_path / "a.html").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main([*arguments, *GIVEN]) == 2
    assert "settings.bins" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "checkpoints: at least one checkpoint is required, got none in"),
        (b"no checkpoint", "bad.ckpt': "),
    ],
)
def test_where_there_is_nothing_to_tell_is_one_line_of_error(tmp_path, capsys, content, message):
    (tmp_path / "runs").mkdir()
    if content is not None:
        (tmp_path / "runs" / "bad.ckpt").write_bytes(content)
    assert main(["report", str(tmp_path / "runs"), "--output", str(tmp_path / "a.html")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "a.html").exists()


def test_a_damaged_run_file_alone_is_one_line_of_error(tmp_path, capsys):
    path = write_run(tmp_path / "run", {"fc": {}}, epochs=2)
    path.write_bytes(b"\xff" * 100 + b"\n")
    assert main(["report", str(tmp_path / "run"), "--output", str(tmp_path / "a.html")]) == 2
    assert "1 line is left out (line 1: no JSON)" in capsys.readouterr().err


def test_a_report_of_another_version_alone_is_one_line_of_error(tmp_path, capsys):
    path = save_checkpoint(tmp_path / "runs" / "a.ckpt", make_report({"fc": 0.5}))
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["callbacks"][MONITOR][REPORT_KEY]["state_version"] = 99
    torch.save(checkpoint, path)
    assert main(["report", str(path.parent), "--output", str(tmp_path / "a.html")]) == 2
    assert "written by another version of lightning_infomem" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_one_line_of_error(zoo, tmp_path, capsys):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert main(["report", str(zoo), *GIVEN, "--output", str(tmp_path / "closed" / "a.html")]) == 2
    assert "--output: a folder that may be written to is required" in capsys.readouterr().err
