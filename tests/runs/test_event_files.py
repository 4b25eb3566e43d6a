"""Event files that are read while they are written."""

from __future__ import annotations

import math
import os
import struct
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from lightning_infomem.runs.courses import LAYER_MEASURES, RUN_MEASURES, courses_of
from lightning_infomem.runs.event_files import EventFiles
from tests.runs.written_runs import write_run

MI = "infomem/fc/mi_mean"


def files_of(folder):
    files = EventFiles(folder, LAYER_MEASURES + RUN_MEASURES)
    files.reload()
    return files


def record_at(path, index):
    """Where a record of a file begins, and how long its event is."""
    raw, offset = path.read_bytes(), 0
    for _ in range(index):
        offset += 16 + struct.unpack_from("<Q", raw, offset)[0]
    return offset, struct.unpack_from("<Q", raw, offset)[0]


def index_of(path, text):
    """The first record that holds a text."""
    raw, index = path.read_bytes(), 0
    while True:
        offset, length = record_at(path, index)
        if text.encode() in raw[offset : offset + 16 + length]:
            return index
        index += 1


def flip(path, offset):
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1
    path.write_bytes(raw)


def test_it_reads_what_tensorboard_reads(tmp_path):
    write_run(tmp_path, {"fc": {"mi_mean": [0.5, math.nan, 0.25]}}, epochs=3)
    theirs = EventAccumulator(str(tmp_path))
    theirs.Reload()
    wanted = [name for name in theirs.Tags()["scalars"] if name.rpartition("/")[2] in LAYER_MEASURES + RUN_MEASURES]
    ours = files_of(tmp_path)
    assert set(ours.values) == set(wanted)
    for name in wanted:
        events = theirs.Scalars(name)
        assert [step for step, _ in ours.values[name]] == [event.step for event in events]
        np.testing.assert_array_equal([value for _, value in ours.values[name]], [event.value for event in events])
    assert ours.last_time == pytest.approx(time.time(), abs=60)
    assert ours.faults == {}


def test_what_is_added_is_read_on_and_nothing_twice(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar(MI, 0.5, 1)
        writer.add_histogram("infomem/fc/mi", np.arange(5.0), 1)
        writer.flush()
        files = files_of(tmp_path)
        assert files.values == {MI: [(1, 0.5)]}
        files.reload()
        assert files.values == {MI: [(1, 0.5)]}
        writer.add_scalar(MI, 0.25, 2)
        writer.flush()
        files.reload()
    assert files.values == {MI: [(1, 0.5), (2, 0.25)]}


@pytest.mark.parametrize("missing", [1, 5, 20])
def test_a_record_that_is_still_written_is_silent_and_read_when_it_is_whole(tmp_path, missing):
    path = write_run(tmp_path, {"fc": {}}, epochs=2)
    whole = files_of(tmp_path).values
    last = record_at(path, index_of(path, "infomem/fc/tie_fraction"))[0]  # of the first epoch
    raw = path.read_bytes()
    length = last + 16 + record_at(path, index_of(path, "infomem/fc/tie_fraction"))[1]
    path.write_bytes(raw[: length - missing])
    files = files_of(tmp_path)
    assert files.faults == {}
    assert "infomem/fc/tie_fraction" not in files.values
    path.write_bytes(raw)
    files.reload()
    assert files.values == whole


def test_a_damaged_value_is_left_out_and_said(tmp_path):
    path = write_run(tmp_path, {"fc": {"mi_mean": [0.5, 0.25]}}, epochs=2)
    offset, length = record_at(path, index_of(path, MI))
    flip(path, offset + 12 + length - 1)  # the last byte of the event, which is in its value
    files = files_of(tmp_path)
    assert files.values[MI] == [(20, 0.25)]
    assert files.faults == {path.name: "1 damaged record is left out"}
    files.reload()
    assert files.faults == {path.name: "1 damaged record is left out"}


def test_behind_a_damaged_header_nothing_is_read_and_that_is_said(tmp_path):
    path = write_run(tmp_path, {"fc": {"mi_mean": [0.5, 0.25]}}, epochs=2)
    offset, _ = record_at(path, index_of(path, "infomem/fc/entropy_mean"))
    flip(path, offset)
    files = files_of(tmp_path)
    assert files.values[MI] == [(10, 0.5)]
    assert "infomem/fc/entropy_mean" not in files.values
    assert files.faults == {path.name: f"damaged from byte {offset} on; what follows is not read"}


def test_a_run_that_was_taken_up_again_forgets_what_it_said_from_there_on(tmp_path):
    write_run(tmp_path, {"fc": {"mi_mean": [0.1, 0.2, 0.3, 0.4]}}, epochs=4)
    first = next(tmp_path.glob("events*"))
    first.rename(tmp_path / f"{first.name[: len('events.out.tfevents.')]}1.before")
    write_run(tmp_path, {"fc": {"mi_mean": [0.7, 0.8]}}, epochs=2, first=1)
    assert files_of(tmp_path).values[MI] == [
        (10, pytest.approx(0.1)),
        (20, pytest.approx(0.7)),
        (30, pytest.approx(0.8)),
    ]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read all files")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    path = write_run(tmp_path, {"fc": {}}, epochs=1)
    path.chmod(0)
    assert files_of(tmp_path).faults == {path.name: "cannot be read (Permission denied)"}


def test_a_folder_that_went_away_is_named(tmp_path):
    assert files_of(tmp_path / "gone").faults == {str(tmp_path / "gone"): "cannot be read (No such file or directory)"}


def test_monitors_are_told_apart_by_their_prefix_whatever_stands_in_front(tmp_path):
    write_run(tmp_path, {"fc.0": {}, "fc.1": {}}, epochs=2, prefix="train/infomem")
    write_run(tmp_path, {"fc.0": {"mi_mean": [0.1, 0.2]}}, epochs=2, prefix="other")
    first, second = sorted(courses_of(files_of(tmp_path).values), key=lambda monitor: monitor.prefix)
    assert (first.prefix, list(first.layers)) == ("other", ["fc.0"])
    assert (second.prefix, list(second.layers)) == ("train/infomem", ["fc.0", "fc.1"])
    assert first.layers["fc.0"]["mi_mean"].values == pytest.approx((0.1, 0.2))
    assert second.get("mi_mean").values == (0.25, 0.25)
    assert (first.epoch(9), first.epoch(15), first.epoch(20)) == (None, 0, 1)
