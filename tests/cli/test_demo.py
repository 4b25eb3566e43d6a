"""`infomem demo`: its arguments reach the demo, which has tests of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightning_infomem.cli.main import main


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (Path("infomem-demo"), 0)),
        (["--output", "there", "--seed", "7"], (Path("there"), 7)),
        (["--output", "far/away", "--seed", "4294967295"], (Path("far/away"), 2**32 - 1)),
    ],
)
def test_folder_and_seed_reach_the_demo(monkeypatch, tmp_path, words, expected):
    monkeypatch.chdir(tmp_path)
    calls = []
    monkeypatch.setattr(
        "lightning_infomem.demo.run.run_demo", lambda output, seed, console: calls.append((output, seed))
    )
    assert main(["demo", *words]) == 0
    assert calls == [expected]
    assert expected[0].is_dir()


def test_ctrl_c_leaves_no_traceback(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def interrupted(output, seed, console):
        raise KeyboardInterrupt

    monkeypatch.setattr("lightning_infomem.demo.run.run_demo", interrupted)
    assert main(["demo"]) == 130
