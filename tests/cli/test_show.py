"""`infomem show`."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
import shutil

import pytest
import torch

from lightning_infomem.checkpoints.huggingface_folder import REPORT_FILE
from lightning_infomem.checkpoints.reading import read_checkpoint
from lightning_infomem.cli.main import main
from lightning_infomem.records.report import REPORT_KEY
from tests.checkpoints.checkpoint_files import make_layer, make_report, save_checkpoint


@pytest.fixture
def path(tmp_path):
    """A checkpoint with one layer of known statistics, one without any value, and one that was skipped."""
    first, second = torch.triu_indices(3, 3, offset=1)
    information = torch.full((3, 3), 9.0, dtype=torch.float64)
    information[first, second] = information[second, first] = torch.tensor([0.1, 0.2, 0.9], dtype=torch.float64)
    known = dataclasses.replace(
        make_layer("encoder.layers.0.linear1", 0.0, 0.0, width=8, dead_fraction=0.25, tie_fraction=0.5),
        mutual_information=information,
        entropy=torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64),
    )
    report = make_report({"nan": math.nan}, step=60, skipped={"lstm": "not called in sampled batch 1"})
    report = dataclasses.replace(report, layers=(known, *report.layers), num_repeats=28)
    return save_checkpoint(tmp_path / "a.ckpt", report, epoch=3, step=90)


def test_the_table_holds_the_numbers_of_every_layer(path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["show", str(path)]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if "linear1" in line)
    # The 95th percentile of 0.1, 0.2, 0.9 lies nine tenths of the way from the second to the third.
    assert line.split() == [
        "encoder.layers.0.linear1",
        "3",
        "3.000",
        "2.000",
        "0.400",
        "0.200",
        "0.830",
        "25%",
        "50%",
    ]
    assert next(line for line in out.splitlines() if "nan" in line).split()[2:7] == ["-"] * 5
    words = " ".join(out.split())
    for part in (
        "epoch 3, step 90",
        "skipped lstm: not called in",
        "measured at another step",
        "bins 100",
        "100 samples (28 more repeat an input and were left out)",
    ):
        assert part in words


def test_the_table_fits_a_narrow_terminal_with_every_number_whole(path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["show", str(path)]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 60
    for number in ("3.000", "2.000", "0.400", "0.200", "0.830", "25%", "50%"):
        assert number in out


def test_json_is_pure_and_has_null_for_what_is_missing(path, capsys):
    assert main(["show", str(path), "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    known, missing = state["layers"]
    assert (state["epoch"], state["step"], state["settings"]["bins"]) == (3, 90, 100)
    assert (known["width"], known["units"], known["samples"], known["dropped"]) == (8, 3, 100, 0)
    assert known["mutual_information_95th_percentile"] == pytest.approx(0.83, abs=1e-12)
    assert missing["mutual_information_mean"] is None
    assert missing["entropy_median"] is None
    assert state["repeats"] == 28
    assert state["skipped"] == {"lstm": "not called in sampled batch 1"}


def test_of_a_folder_the_only_checkpoint_is_shown_and_of_several_one_must_be_named(path, capsys):
    assert main(["show", str(path.parent)]) == 0
    assert "epoch 3, step 90" in " ".join(capsys.readouterr().out.split())
    shutil.copy(path, path.with_name("b c.ckpt"))
    assert main(["show", str(path.parent)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"infomem: CKPT: one checkpoint is required, got the folder '{path.parent}' with 2 of them: ")
    assert f"'{path}'" in err
    advice = shlex.split(err.split("`infomem ")[1].split("`")[0])
    assert main(advice) == 0


def test_a_folder_of_hugging_face_is_one_checkpoint(path, tmp_path, capsys):
    report = read_checkpoint(path).report
    for folder in (tmp_path / "hf", tmp_path / "hf" / "checkpoint-500"):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        torch.save({"names.of.no.layer": torch.zeros(1)}, folder / "pytorch_model.bin")
        torch.save({REPORT_KEY: report.to_state()}, folder / REPORT_FILE)
    assert main(["show", str(tmp_path / "hf")]) == 0
    assert "linear1" in capsys.readouterr().out


def test_an_empty_folder_is_one_line_of_error(tmp_path, capsys):
    assert main(["show", str(tmp_path)]) == 2
    assert "at least one checkpoint is required, got none in" in capsys.readouterr().err


def test_a_checkpoint_without_a_report_is_one_line_of_error(tmp_path, capsys):
    path = save_checkpoint(tmp_path / "a.ckpt", None)
    assert main(["show", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"infomem: '{path}': carries no report; train with MemorizationMonitor.\n"


def test_it_says_what_the_network_does_and_how_that_is_known(path, tmp_path, capsys):
    report = make_report({"fc": 0.5}, task="regression", task_reason="its loss is mse_loss")
    other = save_checkpoint(tmp_path / "b.ckpt", report)
    assert main(["show", str(other)]) == 0
    assert "task: regression (its loss is mse_loss)" in " ".join(capsys.readouterr().out.split())
    assert main(["show", str(other), "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["task"], state["task_reason"]) == ("regression", "its loss is mse_loss")
    assert main(["show", str(path)]) == 0
    assert "task: classification\n" in capsys.readouterr().out
