"""A verdict on one run is printed and exported, also where files are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.run_verdict import RunRow, RunVerdict

ROWS = tuple(
    RunRow(None if epoch == 1 else Path("runs", f"{epoch}.ckpt"), epoch, 10 * epoch, 0.5, 2.0, is_memorizing=epoch > 3)
    for epoch in range(5)
)
JUDGEMENT = Judgement(True, 1, 0.25, 0.125, streak=3, agreement=(0.8,) * 5)


def test_the_moment_without_a_file_has_a_row_without_a_name() -> None:
    verdict = RunVerdict(ROWS, JUDGEMENT, ROWS[1], Path("runs", "0.ckpt"), skipped={"runs/x.ckpt": "truncated"})
    lines = str(verdict).splitlines()
    assert lines[0].startswith("runs: means over layers")
    assert [line.split()[:3] for line in lines[3:8]] == [
        ["0.ckpt", "0", "0"],
        ["-", "1", "10"],
        *[[f"{epoch}.ckpt", str(epoch), str(10 * epoch)] for epoch in (2, 3, 4)],
    ]
    text = " ".join(str(verdict).split())
    assert "from epoch 2, step 20 on (alarm at epoch 4, step 40)" in text
    assert "Keep epoch 1, step 10, which has no checkpoint here; the nearest earlier one is '0.ckpt'." in text
    assert "skipped 'x.ckpt': truncated" in text
    with pytest.raises(ValueError, match="which has no checkpoint here"):
        _ = verdict.best


def test_without_any_checkpoint_it_is_shown_all_the_same() -> None:
    rows = tuple(RunRow(None, None, 10 * place, 0.5, 2.0) for place in range(2))
    verdict = RunVerdict(rows, Judgement(False, 1, abstention="too few"))
    assert "No verdict on this run: too few." in str(verdict)
    assert json.loads(verdict.to_json())["rows"][0]["smoothness"] is None


def test_a_metric_that_is_called_like_a_column_keeps_both() -> None:
    row = RunRow(Path("a.ckpt"), 0, 0, 0.5, 2.0, metrics={"entropy": 7.0, "val_loss": 0.25})
    [record] = RunVerdict((row,), Judgement(False, 0), row).to_records()
    assert (record["entropy"], record["metric_entropy"], record["val_loss"]) == (2.0, 7.0, 0.25)
