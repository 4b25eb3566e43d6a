"""`infomem run`."""

from __future__ import annotations

import dataclasses
import json

import pytest

from lightning_infomem.cli.main import main
from tests.selection.saved_runs import MEMORIZING, save_epochs


@pytest.fixture
def run(tmp_path):
    return str(save_epochs(tmp_path / "run", MEMORIZING))


def test_the_checkpoint_to_keep_is_printed_below_the_course(run, capsys):
    assert main(["run", run]) == 0
    out, err = capsys.readouterr()
    assert out.index("epoch=0.ckpt") < out.index("epoch=11.ckpt") < out.index("This run stores single examples")
    assert "Keep 'epoch=5.ckpt'." in " ".join(out.split())
    assert err == ""


@pytest.mark.parametrize(("form", "start"), [("csv", "path,epoch,"), ("markdown", ""), ("json", "{\n"), ("table", "")])
def test_every_format_is_written(run, tmp_path, capsys, form, start):
    assert main(["run", run, "--format", form, "--output", str(tmp_path / "a.txt")]) == 0
    text = (tmp_path / "a.txt").read_text(encoding="utf-8")
    assert text.startswith(start)
    assert "epoch=5.ckpt" in text
    assert capsys.readouterr().out == f"wrote {tmp_path / 'a.txt'}\n"


def test_json_is_pure_also_where_nothing_is_known(tmp_path, capsys):
    assert main(["run", str(save_epochs(tmp_path, MEMORIZING[:2])), "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["kept"] is None
    assert err == "infomem: no verdict: 2 measurements of the run are too few, 4 are required\n"


def test_a_ranking_of_one_run_names_this_command(run, capsys):
    assert main(["rank", run, "--memorization", "heuristic"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "`infomem run`, says whether the run memorizes" in err
    assert err.count("\n") == 1
    assert "--not-along-run" in err
    assert main(["rank", run, "--memorization", "heuristic", "--groups", "(.+)"]) == 0
    assert main(["rank", run, "--memorization", "heuristic", "--not-along-run"]) == 0


def test_a_run_of_unknown_task_is_judged_when_its_task_is_said(tmp_path, capsys):
    unknown = [dataclasses.replace(report, task="unknown") for report in MEMORIZING]
    folder = str(save_epochs(tmp_path / "run", unknown))
    assert main(["run", folder]) == 2
    out, err = capsys.readouterr()
    assert 'no verdict: whether the network classifies is unknown: give task="classification"' in err
    assert "Keep" not in out
    assert main(["run", folder, "--task", "classification"]) == 0
    assert "Keep 'epoch=5.ckpt'." in " ".join(capsys.readouterr().out.split())
    assert main(["rank", folder, "--groups", "(.+)", "--memorization", "example", "--json"]) == 0
    assert "not ranked by predicted classes" in capsys.readouterr().out
    options = ["--groups", "(.+)", "--memorization", "example", "--json", "--task", "classification"]
    assert main(["rank", folder, *options]) == 0
    assert "not ranked by predicted classes" not in capsys.readouterr().out
    page = tmp_path / "page.html"
    assert main(["report", folder, "--output", str(page)]) == 0
    assert "whether the network classifies is unknown" in page.read_text(encoding="utf-8")
    assert main(["report", folder, "--output", str(page), "--task", "classification"]) == 0
    assert "Keep" in page.read_text(encoding="utf-8")
