"""`infomem watch`."""

from __future__ import annotations

import io
import math
from argparse import Namespace
from pathlib import Path

import pytest
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger
from rich.console import Console

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.cli import watched_run
from lightning_infomem.cli.live_view import LayerRow, LiveView
from lightning_infomem.cli.main import main
from lightning_infomem.cli.sparkline import sparkline
from lightning_infomem.runs.course import Course
from lightning_infomem.runs.newest_run import newest_run
from tests.checkpoints.checkpoint_files import make_run, save_checkpoint, save_run
from tests.networks import Classifier, dense, loader, mlp, trainer
from tests.runs.written_runs import stand_back, write_run


@pytest.fixture
def look(tmp_path, monkeypatch):
    """One view, as lines. The folder is shown, so it goes by its short name, wherever temporary files lie."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def look(folder, *, width=100, layers="*", encoding="utf-8"):
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        watched_run.watch_run(
            Namespace(folder=folder.relative_to(tmp_path), every=5.0, once=True, layers=layers),
            Console(file=file, width=width),
        )
        file.seek(0)
        lines = file.read().splitlines()
        assert max(map(len, lines)) <= width
        return lines

    return look


def row_of(lines, name):
    (line,) = [line for line in lines if line.startswith(name)]
    return line


def test_a_view_has_the_run_its_state_and_a_row_a_layer(tmp_path, look):
    layers = {
        "encoder.0": {"mi_mean": [0.1, 0.2, 0.3, 0.4, 0.3], "mi_drop": [0, 0, 0, 0, 0.25]},
        "encoder.1": {"entropy_mean": [1.0, 2.0, 3.0, 2.0, 1.5], "dead_fraction": [0.6] * 5, "tie_fraction": [0.3] * 5},
    }
    write_run(tmp_path / "version_3", layers, epochs=5)
    lines = look(tmp_path)
    assert lines[0] == "version_3"
    assert lines[1].startswith("epoch 4, step 50, last value ")
    assert lines[2:4] == ["no sign of stored examples", "smoothness down 0.00, 0% of inputs left the consensus"]
    assert row_of(lines, "encoder.0").split() == ["encoder.0", "0.300", "▁▃▆█▆", "25%", "2.000", "▄▄▄▄▄"]
    assert row_of(lines, "encoder.1").split() == ["encoder.1", "0.250", "▄▄▄▄▄", "0%", "1.500", "▁▅█▅▃", "dead", "ties"]


def test_the_newest_run_is_watched(tmp_path, look):
    stand_back(write_run(tmp_path / "version_1", {"old": {}}, epochs=5), 10)
    write_run(tmp_path / "version_0", {"new": {}}, epochs=5)
    assert look(tmp_path)[0] == "version_0"


def test_memorization_is_said_with_its_begin_and_the_epoch_to_keep(tmp_path, look):
    write_run(
        tmp_path,
        {"fc": {}},
        epochs=6,
        memorizing=[0, 1, 0, 0, 1, 1],
        smoothness_drop=[0.08] * 6,
        consensus_drop=[0.2] * 6,
        kept=1,
    )
    lines = look(tmp_path, width=60)
    assert "MEMORIZING since epoch 4; keep epoch 1" in lines
    assert "smoothness down 0.08, 20% of inputs left the consensus" in lines


def test_one_epoch_is_too_early_to_tell(tmp_path, look):
    write_run(tmp_path, {"fc": {}}, epochs=1)
    lines = look(tmp_path)
    assert "too early to tell: 1 of 4 measurements" in lines
    assert row_of(lines, "fc").split() == ["fc", "0.250", "▄", "0%", "2.000", "▄"]


@pytest.mark.parametrize(
    ("width", "heads"),
    [
        (100, ["layer", "MI", "in", "nats", "drop", "entropy", "in", "nats", "flags"]),
        (60, ["layer", "MI", "in", "nats", "drop", "entropy", "flags"]),
        (30, ["layer", "MI", "in", "nats"]),
        (21, ["layer", "MI"]),
    ],
)
def test_a_narrow_terminal_leaves_out_columns_and_wraps_none(tmp_path, look, width, heads):
    epochs = 12  # more than the narrowest curves have characters
    shares = {"dead_fraction": [0.9] * epochs, "tie_fraction": [0.9] * epochs}
    write_run(tmp_path, {f"encoder.layers.{index}.linear1": shares for index in range(3)}, epochs=epochs)
    lines = look(tmp_path, width=width)
    head = next(index for index, line in enumerate(lines) if line.startswith("layer"))
    assert lines[head].split() == heads
    assert len(lines) == head + 4
    names = [line.split()[0] for line in lines[head + 1 :]]
    assert len(set(names)) == 3  # whatever was cut from them, they are distinguishable


def test_without_utf_8_it_is_drawn_in_ascii(tmp_path, look):
    write_run(tmp_path / "é", {"fc": {"mi_mean": [0.1, 0.3]}}, epochs=2)
    lines = look(tmp_path, encoding="ascii")
    assert lines[0].endswith("\\xe9")
    assert "_#" in row_of(lines, "fc")


def test_layers_are_chosen_by_pattern(tmp_path, look):
    write_run(tmp_path, {"encoder.0": {}, "decoder.0": {}}, epochs=1)
    lines = look(tmp_path, layers="dec*")
    assert row_of(lines, "decoder.0")
    assert not [line for line in lines if line.startswith("encoder.0")]
    with pytest.raises(ValueError, match=r"--layers: .* got 'decodr', which matches none; nearest: 'decoder.0'"):
        look(tmp_path, layers="decodr")


def test_two_monitors_are_shown_under_their_prefixes(tmp_path, look):
    write_run(tmp_path, {"fc": {}}, epochs=1)
    write_run(tmp_path, {"fc": {}}, epochs=1, prefix="other")
    lines = look(tmp_path)
    assert row_of(lines, "infomem/fc")
    assert row_of(lines, "other/fc")


def test_of_several_runs_in_one_folder_the_last_is_shown(tmp_path, look):
    write_run(tmp_path, {"old": {}}, epochs=5, run_id="first")
    write_run(tmp_path, {"new": {}}, epochs=2, run_id="second")
    lines = look(tmp_path)
    assert lines[1].startswith("epoch 1, step 20")
    assert row_of(lines, "new")
    assert not [line for line in lines if line.startswith("old")]


def test_damage_is_reported_with_what_could_be_read(tmp_path, look):
    path = write_run(tmp_path, {"fc": {}}, epochs=5)
    path.write_bytes(path.read_bytes() + b"no line, but some words\n")
    lines = look(tmp_path, width=300)
    assert row_of(lines, "fc")
    assert lines[-1] == f"{path.name}: 1 line is left out (line 6: no JSON)"


def test_many_layers_in_a_low_terminal_are_counted_and_ctrl_c_is_quiet(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.chdir(tmp_path)  # the name of the folder is shown, and a longer one may take more lines
    folder = Path("run")
    folder.mkdir()
    write_run(folder, {f"layer{index:02}": {} for index in range(40)}, epochs=1)
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt
        write_run(folder, {"layer00": {"mi_mean": [0.875]}}, epochs=1, first=1)

    monkeypatch.setattr(watched_run.time, "sleep", sleep)
    console = Console(file=io.StringIO(), force_terminal=True, no_color=True, width=60, height=24)
    code = watched_run.watch_run(Namespace(folder=folder, every=7.0, once=False, layers="*"), console)
    out = console.file.getvalue()
    assert (code, slept) == (0, [7.0, 7.0])
    assert "and 22 more layers; choose by --layers PATTERN" in out
    assert "layer17" in out
    assert "layer18" not in out
    assert "0.875" in out  # which came while it was watched


def test_a_live_view_waits_for_the_first_measurement_and_stays_with_its_run(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    ticks = iter(
        [
            lambda: write_run(tmp_path / "one", {"first_layer": {}}, epochs=1),
            lambda: write_run(tmp_path / "two", {"other_layer": {}}, epochs=1),
        ]
    )

    def sleep(seconds):
        tick = next(ticks, None)
        if tick is None:
            raise KeyboardInterrupt
        tick()

    monkeypatch.setattr(watched_run.time, "sleep", sleep)
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=24)
    assert watched_run.watch_run(Namespace(folder=tmp_path, every=5.0, once=False, layers="*"), console) == 0
    out = console.file.getvalue()
    assert "a measurement of MemorizationMonitor is required" in out
    assert "first_layer" in out
    assert "other_layer" not in out


def test_ctrl_c_before_anything_is_shown_is_130(tmp_path, monkeypatch):
    def interrupted(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(watched_run, "newest_run", interrupted)
    assert main(["watch", str(tmp_path)]) == 130


def test_the_newest_checkpoint_is_read_where_there_is_no_run_file(tmp_path, look):
    stand_back(save_run(tmp_path / "run" / "epoch=2.ckpt", make_run(3)), 20)
    stand_back(save_run(tmp_path / "run" / "epoch=7.ckpt", make_run(8, memorizes=True)), 10)
    save_checkpoint(tmp_path / "weights.ckpt", None)  # which tells of no run
    (tmp_path / "run" / "half.ckpt").write_bytes(b"PK")
    lines = look(tmp_path)
    assert lines[0] == "run"
    assert lines[1].startswith("epoch 7, step 80, last value")
    assert lines[2] == "MEMORIZING since epoch 6; keep epoch 3"
    assert row_of(lines, "first").split()[:2] == ["first", "0.430"]
    assert "half.ckpt: " in " ".join(lines[-2:])


def test_a_training_is_the_same_by_its_run_file_and_by_its_checkpoints(tmp_path, monkeypatch):
    monkeypatch.setattr("lightning_infomem.reporting.loggers._warned", set())  # the first to see a logger
    keeper = ModelCheckpoint(dirpath=tmp_path / "kept", save_top_k=-1)
    monitor = MemorizationMonitor(backend="reference")
    runner = trainer(tmp_path, callbacks=[monitor, keeper], logger=CSVLogger(tmp_path / "logs"))
    with pytest.warns(UserWarning, match="CSVLogger: histograms and figures"):
        runner.fit(Classifier(mlp()), loader(dense()), loader(dense()))
    (logged,), (kept,) = newest_run(tmp_path / "logs").monitors, newest_run(tmp_path / "kept").monitors
    assert logged.course.layers == ["network.0", "network.2"]
    assert logged.course.history == kept.course.history
    assert (logged.last, logged.state) == (kept.last, kept.state)
    assert logged.course.epochs == [0, 1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: RUN"),
        (["nowhere"], "RUN: a folder that a training writes to is required, got 'nowhere', nothing there"),
        (
            ["empty"],
            "RUN: a measurement of MemorizationMonitor is required, got none in 'empty', neither in a run file",
        ),
        (["file"], "got 'file', a file; give its log folder"),
        (["other"], "add it to the training, Trainer(callbacks=[MemorizationMonitor()])"),
        (["plain"], "required, got none in 'plain', neither in a run file, infomem.jsonl, nor in a checkpoint"),
        (["empty", "--every", "0"], "a number of seconds above 0 is required, got '0'"),
        (["empty", "--every", "soon"], "a number of seconds above 0 is required, got 'soon'"),
    ],
)
def test_wrong_use_is_one_line_of_error(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    save_checkpoint(tmp_path / "plain" / "a.ckpt", None)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "infomem.jsonl").touch()
    assert main(["watch", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_a_folder_without_permission_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("os.access", lambda *_: False)  # as the superuser may read everything
    assert main(["watch", str(tmp_path)]) == 2
    assert f"RUN: a folder that may be read is required, got '{tmp_path}'" in capsys.readouterr().err


def test_a_piped_view_ends_and_has_no_colour(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    write_run(tmp_path, {"fc": {"dead_fraction": [0.9]}}, epochs=1)
    assert main(["watch", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "fc" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([], 8, ""),
        ([1.0, 1.0], 8, "▄▄"),
        ([1.0, 1.0 + 1e-12], 8, "▄▄"),
        ([math.nan, math.inf], 8, "  "),
        ([0.0, 0.0, 1.0, 1.0], 2, "▁█"),
        ([0.0, math.nan, math.nan, 7.0], 2, "▁█"),
    ],
)
def test_a_sparkline_has_a_character_a_value_or_the_mean_of_neighbours(values, width, drawn):
    assert sparkline(values, width) == drawn
    assert len(sparkline(list(range(500)), 24)) == 24


def test_no_text_from_a_file_steers_the_terminal():
    """Each layer has its row, and its columns stay in line."""
    bad = "layer\x1b[2J\n\u202e\x9b"
    course = Course("infomem", [{"infomem/fc/mi_mean": 0.25, "epoch": 0.0, "step": 1.0}])
    rows = [LayerRow(name, course, "fc") for name in (bad, "fc")]
    console = Console(file=io.StringIO(), width=70, color_system=None)
    console.print(LiveView(f"run {bad}", [f"epoch {bad}"], rows, [f"note {bad}"]))
    lines = console.file.getvalue().splitlines()
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 1 + 1 + 1 + 2 + 1
