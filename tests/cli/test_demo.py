"""`infomem demo`: its arguments reach the demo, which has tests of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_infomem.cli.main import main


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], (Path("infomem-demo"), 0)), (["--output", "there", "--seed", "7"], (Path("there"), 7))],
)
def test_folder_and_seed_reach_the_demo(monkeypatch, words, expected):
    calls = []
    monkeypatch.setattr(
        "lightning_infomem.demo.run.run_demo", lambda output, seed, console: calls.append((output, seed))
    )
    assert main(["demo", *words]) == 0
    assert calls == [expected]


def test_ctrl_c_leaves_no_traceback(monkeypatch):
    def interrupted(output, seed, console):
        raise KeyboardInterrupt

    monkeypatch.setattr("lightning_infomem.demo.run.run_demo", interrupted)
    assert main(["demo"]) == 130
