"""The command `infomem` as a user types it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from lightning_infomem.cli.main import main
from tests.checkpoints.checkpoint_files import save_zoo


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"infomem {version('lightning-infomem')}\n"


COMMANDS = ("rank", "run", "report", "show", "watch", "similarity", "ablate", "demo")


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_is_no_failure(capsys, words):
    assert main(words) == 0
    assert "usage: infomem" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: command; see infomem --help"),
        (["rnak"], "invalid choice: 'rnak'"),
        (["rank"], "the following arguments are required: DIR; see infomem rank --help"),
        (["run"], "the following arguments are required: PATH; see infomem run --help"),
        (["report"], "the following arguments are required: DIR; see infomem report --help"),
        (["rank", "dir", "--format", "xml"], "invalid choice: 'xml'"),
        (["rank", "nowhere"], "an existing file or folder is required, got 'nowhere'"),
        (["rank", ".", "--memorization", "both"], "invalid choice: 'both'"),
        (["show"], "the following arguments are required: CKPT; see infomem show --help"),
        (["show", "nowhere.ckpt"], "'nowhere.ckpt': cannot be opened (No such file or directory)"),
        (["show", "two\nlines.ckpt"], "'two lines.ckpt': cannot be opened"),
        (["demo", "--seed", "one"], "argument --seed: a whole number from 0 to 4294967295 is required, got 'one'"),
        (["demo", "--seed", "4294967296"], "a whole number from 0 to 4294967295 is required, got '4294967296'"),
        (["demo", "--seed=-1"], "a whole number from 0 to 4294967295 is required, got '-1'"),
        (["demo", "--output", __file__], f"'{__file__}': File exists"),
        (["demo", "--output", f"{__file__}/below"], f"'{__file__}/below': Not a directory"),
        (["show", "a" * 300], f"'{'a' * 300}': File name too long"),
        (["rank", "a" * 300 + ".ckpt"], "File name too long"),
        (["show", "\x1b[2J\x9b.ckpt"], r"'\x1b[2J\x9b.ckpt': cannot be opened"),
        (["rank", "\x1b]0;title\x07"], r"got '\x1b]0;title\x07'; check its name"),
    ],
)
def test_wrong_use_exits_2_with_one_line(capsys, words, message):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("infomem: ")
    assert err.count("\n") == 1
    assert err.rstrip("\n").isprintable()


@pytest.fixture
def infomem(tmp_path):
    """The installed module in a process of its own, in a narrow terminal without colour."""
    save_zoo(tmp_path / "zoo", {"low": 0.1, "high": 0.9})
    return {
        "args": [sys.executable, "-c", "import sys; from lightning_infomem.cli.main import main; sys.exit(main())"],
        "env": {**os.environ, "COLUMNS": "60", "NO_COLOR": "1", "TERM": "dumb"},
        "cwd": tmp_path,
        "text": True,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }


def test_a_process_ranks_a_folder(infomem):
    infomem["args"] += ["rank", "zoo", "--memorization", "heuristic"]
    done = subprocess.run(**infomem, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.index("low.ckpt") < done.stdout.index("high.ckpt")
    assert max(map(len, done.stdout.splitlines())) <= 60
    assert "\x1b" not in done.stdout


def test_a_reader_who_stops_early_sees_no_traceback(infomem):
    infomem["args"] += ["rank", "zoo", "--memorization", "heuristic", "--json"]
    with subprocess.Popen(**infomem) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize("kind", [TypeError, ValueError, OSError, ModuleNotFoundError])
def test_a_bug_of_ours_shows_its_traceback(monkeypatch, tmp_path, kind):
    def broken(*_, **__):
        raise kind("a bug")

    monkeypatch.setattr("lightning_infomem.checkpoints.reading.read_checkpoint", broken)
    with pytest.raises(kind, match="a bug"):
        main(["show", str(tmp_path / "a.ckpt")])
