"""What `print` shows of one row of a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup
from lightning_infomem.records.run_verdict import RunRow

ROW = RankedCheckpoint(Path("runs/a.ckpt"), 9, 90, 2.5, 0.125, 1, 2, probability_best=0.93)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            ROW,
            "'runs/a.ckpt', epoch 9, step 90: rank 1, mutual information 0.1250, entropy 2.5000 nats, P(best) 0.93",
        ),
        (
            RankedCheckpoint(Path("b.ckpt"), None, None, 2.5, 0.125, None, None),
            "'b.ckpt': mutual information 0.1250, entropy 2.5000 nats",
        ),
        (
            RankedGroup("wide", (Path("a.ckpt"), Path("b.ckpt")), 0.5, (0.4, 0.6), 2, probability_best=0.25),
            "'wide' (2 checkpoints): rank 2, mutual information 0.5000 nats, P(best) 0.25",
        ),
        (
            RankedGroup("narrow", (Path("a.ckpt"),), 0.5, (0.4, 0.6)),
            "'narrow' (1 checkpoint): mutual information 0.5000 nats",
        ),
        (
            RunRow(Path("c.ckpt"), 3, 30, 0.5, 2.0, is_memorizing=True),
            "'c.ckpt', epoch 3, step 30: mutual information 0.5000, entropy 2.0000 nats, memorizing",
        ),
        (RunRow(None, None, 30, 0.5, 2.0), "no checkpoint, step 30: mutual information 0.5000, entropy 2.0000 nats"),
    ],
)
def test_a_row_is_one_line(row: object, text: str) -> None:
    assert str(row) == text


@pytest.mark.parametrize(
    "row",
    [
        RankedCheckpoint(Path("a\x1b[2J\n.ckpt"), 9, 90, 2.5, 0.125, 1, 2),
        RankedGroup("a\x1b[2J\n", (), 0.5, (0.4, 0.6)),
        RunRow(Path("a\x1b[2J\n.ckpt"), 3, 30, 0.5, 2.0),
    ],
)
def test_a_name_steers_no_terminal(row: object) -> None:
    assert str(row).isprintable()
    assert r"a\x1b[2J\n" in str(row)
