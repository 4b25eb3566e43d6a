"""`infomem rank`."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import PurePosixPath

import pytest
import torch

from lightning_infomem.cli.main import main
from tests.checkpoints.checkpoint_files import make_predictions, make_report, save_checkpoint, save_zoo

ZOO = {"low": 0.1, "high": 0.9, "middle": 0.4}


def test_a_folder_is_ranked(tmp_path, capsys):
    assert main(["rank", str(save_zoo(tmp_path, ZOO)), "--memorization", "heuristic"]) == 0
    out, err = capsys.readouterr()
    assert out.index("low.ckpt") < out.index("middle.ckpt") < out.index("high.ckpt")
    assert err == ""


def test_checkpoints_with_classes_of_ones_own_are_ranked_where_these_are_allowed(tmp_path, capsys):
    for name, value in (("a", 0.1), ("b", 0.9)):
        extra = {"hyper_parameters": {"folder": PurePosixPath("data"), "choices": Namespace(rate=0.1)}}
        save_checkpoint(tmp_path / f"{name}.ckpt", make_report({"fc1": value}), **extra)
    words = ["rank", str(tmp_path), "--memorization", "heuristic"]
    assert main(words) == 2
    advice = capsys.readouterr().err.rstrip(")\n.").split("--allow ")[1].split()
    assert set(advice) > {"argparse.Namespace"}
    assert main([*words, "--allow", *advice]) == 0
    assert main(["show", str(tmp_path / "a.ckpt"), "--allow", *advice]) == 0
    assert main(words) == 2
    assert main([*words, "--allow", "nowhere.Path"]) == 2
    assert "--allow: the full name of a class or function is required" in capsys.readouterr().err


def test_files_are_ranked_by_a_reference(tmp_path, capsys):
    save_zoo(tmp_path, ZOO)
    files = [str(tmp_path / f"{name}.ckpt") for name in ("middle", "low")]
    assert main(["rank", *files, "--reference", str(tmp_path / "high.ckpt")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.index("middle.ckpt") < out.index("low.ckpt")
    assert "the reference indicates example memorization: 0 of 2 checkpoints have more" in out


def test_json_is_pure_also_where_a_ranking_is_refused(tmp_path, capsys):
    save_zoo(tmp_path, ZOO)
    assert main(["rank", str(tmp_path), "--memorization", "example", "--json"]) == 0
    assert [row["rank"] for row in json.loads(capsys.readouterr().out)["rows"]] == [1, 2, 3]
    assert main(["rank", str(tmp_path), "--json"]) == 2
    state = json.loads(capsys.readouterr().out)
    assert [row["rank"] for row in state["rows"]] == [None, None, None]
    assert "the kind of memorization is not known" in state["refusal"]


def test_without_a_kind_the_values_are_printed_and_the_refusal_is_one_line_of_error(tmp_path, capsys):
    assert main(["rank", str(save_zoo(tmp_path, ZOO))]) == 2
    out, err = capsys.readouterr()
    for name in ZOO:
        assert f"{name}.ckpt" in out
    assert err.startswith("infomem: no ranking: predictions cannot be compared")
    assert "the kind of memorization is not known" in err
    assert err.count("\n") == 1


def test_with_all_the_other_criteria_are_printed_too(tmp_path, capsys):
    words = ["rank", str(save_zoo(tmp_path, ZOO)), "--memorization", "heuristic"]
    assert main(words) == 0
    assert "first by entropy" not in capsys.readouterr().out
    assert main([*words, "--all"]) == 0
    out = capsys.readouterr().out
    assert "entropy" in out
    assert "first by mutual_information" in out


def test_labels_are_read_from_a_file(tmp_path, capsys):
    for name, classes in (("good", torch.arange(30) % 3), ("bad", torch.zeros(30))):
        report = make_report({"fc1": 0.1}, predictions=make_predictions(classes, num_classes=3))
        save_checkpoint(tmp_path / f"{name}.ckpt", report)
    file = tmp_path / "ask.csv"
    file.write_text("input,label\n0000000000000001,1\n0000000000000002,2\n0000000000000004,\n")
    assert main(["rank", str(tmp_path), "--labels", str(file), "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["criterion"], state["rows"][0]["path"][-9:]) == ("consensus_accuracy", "good.ckpt")
    assert "2 labels are given" in state["why"][0]["because"]
    file.write_text("input,label\n0000000000000001,7\n")
    assert main(["rank", str(tmp_path), "--labels", str(file)]) == 2
    assert "labels: classes from 0 to 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "at least two usable ones are required, got 1 of 2"),
        (["--reference", "x.ckpt", "--memorization", "example"], "reference: not together with memorization"),
    ],
)
def test_what_cannot_be_ranked_is_one_line_of_error(tmp_path, capsys, arguments, message):
    save_checkpoint(tmp_path / "only.ckpt", make_report({"fc1": 0.1}))
    (tmp_path / "text.ckpt").write_text("no checkpoint\n")
    assert main(["rank", str(tmp_path), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
