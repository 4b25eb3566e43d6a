"""Run files that are written, cut off, damaged, and read while they are written."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import warnings
from pathlib import Path

import pytest

from lightning_infomem.runs import run_file
from lightning_infomem.runs.run_file import RUN_FILE, Measurement, RunFile, find_run_files, read_run_file
from tests.runs.written_runs import make_measurement

WHOLE = make_measurement()


def fields_of(line: bytes) -> dict:
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(line, parse_constant=refuse)


def test_a_measurement_comes_back_to_the_last_digit(tmp_path):
    measured = [make_measurement(number=0, values={"infomem/mi_mean": 1 / 3}), make_measurement(number=1, epoch=1.5)]
    file = RunFile(tmp_path, who="a test")
    for each in measured:
        file.append(each)
    assert read_run_file(tmp_path / RUN_FILE) == (measured, None)


def test_a_line_is_json_of_one_line_whatever_is_in_it():
    line = make_measurement(prefix="a\nb", values={"fine": 1.0, "lost": math.nan, "far": math.inf}).to_line()
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    assert fields_of(line)["version"] == 1
    assert fields_of(line)["values"] == {"fine": 1.0}


def test_half_a_line_is_silent_and_read_when_it_is_whole(tmp_path):
    path, line = tmp_path / RUN_FILE, WHOLE.to_line()
    for length in (0, 1, len(line) - 1):
        path.write_bytes(line + line[:length])
        assert read_run_file(path) == ([WHOLE], None)
    path.write_bytes(line + line)
    assert read_run_file(path) == ([WHOLE, WHOLE], None)


def test_after_half_a_line_the_next_one_begins_anew(tmp_path):
    path = tmp_path / RUN_FILE
    path.write_bytes(WHOLE.to_line() + WHOLE.to_line()[:50])
    later = make_measurement(number=2)
    RunFile(tmp_path, who="a test").append(later)
    assert read_run_file(path) == ([WHOLE, later], "1 line is left out (line 2: no JSON)")


def test_every_line_is_given_to_the_operating_system_at_once(tmp_path, monkeypatch):
    written, original = [], open

    class Recorded:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, line):
            written.append(line)
            return self.file.write(line)

    monkeypatch.setattr(run_file, "open", lambda *args, **options: Recorded(original(*args, **options)), raising=False)
    RunFile(tmp_path, who="a test").append(WHOLE)
    assert written == [WHOLE.to_line()]
    assert (tmp_path / RUN_FILE).read_bytes() == WHOLE.to_line()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[1]", "no JSON object"),
        (b"{}", "not of format 1: written by another version of lightning_infomem"),
        (b'{"version": 2}', "not of format 1: written by another version of lightning_infomem"),
        (b'{"version": 1}', "'run_id' is missing or of a wrong kind"),
    ],
)
def test_garbage_is_left_out_and_said(tmp_path, line, why):
    path = tmp_path / RUN_FILE
    path.write_bytes(WHOLE.to_line() + line + b"\n" + WHOLE.to_line())
    assert read_run_file(path) == ([WHOLE, WHOLE], f"1 line is left out (line 2: {why})")


@pytest.mark.parametrize(
    "change",
    [
        {"run_id": 3},
        {"prefix": None},
        {"prefix": "\x1b[2J"},
        {"number": 1.5},
        {"step": True},
        {"step": 10**30},
        {"epoch": math.nan},
        {"time": "noon"},
        {"values": [1]},
        {"values": {"a": None}},
        {"values": {"a": math.inf}},
        {"values": {"a": 10**400}},
        {"is_memorizing": 1},
        {"kept_epoch": "3"},
        {"abstention": 0},
    ],
    ids=str,
)
def test_a_line_of_wrong_kinds_is_left_out(change):
    fields = {"version": 1, **dataclasses.asdict(WHOLE), **change}
    with pytest.raises(ValueError, match=r"is missing or of a wrong kind|no finite number"):
        Measurement.from_line(json.dumps(fields).encode())


def test_what_is_not_known_yet_is_passed_over():
    fields = {**fields_of(WHOLE.to_line()), "added_later": [1]}
    assert Measurement.from_line(json.dumps(fields).encode()) == WHOLE


def test_a_file_that_is_gone_is_named(tmp_path):
    assert read_run_file(tmp_path / RUN_FILE) == ([], "cannot be read (No such file or directory)")


def test_a_folder_that_cannot_be_written_to_is_one_warning(tmp_path):
    (tmp_path / "run").touch()
    file = RunFile(tmp_path / "run", who="Monitor")
    with pytest.warns(
        UserWarning, match=r"Monitor: a measurement could not be written to '.*' \(.*\); the training go"
    ):
        file.append(WHOLE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        file.append(WHOLE)
    (tmp_path / "run").unlink()  # when there is room again, it goes on
    file.append(WHOLE)
    assert read_run_file(tmp_path / "run" / RUN_FILE) == ([WHOLE], None)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to try on")
def test_a_full_disk_is_one_warning(tmp_path):
    (tmp_path / RUN_FILE).symlink_to("/dev/full")
    with pytest.warns(UserWarning, match="No space left on device"):
        RunFile(tmp_path, who="Monitor").append(WHOLE)


def test_a_folder_elsewhere_is_one_warning_and_none_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.warns(
        UserWarning, match=r"a folder on this machine is required for infomem.jsonl, got 's3://bucket/a'"
    ):
        file = RunFile("s3://bucket/a", who="Monitor")
    file.append(WHOLE)
    RunFile(None, who="Monitor").append(WHOLE)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_that_of_the_begin_also_when_the_process_goes_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    file = RunFile("run", who="Monitor")
    monkeypatch.chdir(tmp_path / "other")
    file.append(WHOLE)
    assert find_run_files([tmp_path]) == [tmp_path / "run" / RUN_FILE]


def test_only_files_that_are_not_hidden_are_found(tmp_path):
    for folder in ("b", "a/deep", ".hidden"):
        RunFile(tmp_path / folder, who="a test").append(WHOLE)
    (tmp_path / "c" / RUN_FILE).mkdir(parents=True)
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "d" / RUN_FILE)  # which nobody may wait for
    found = [tmp_path / "a" / "deep" / RUN_FILE, tmp_path / "b" / RUN_FILE]
    assert find_run_files([tmp_path, tmp_path / "a", tmp_path / "nowhere"]) == found
