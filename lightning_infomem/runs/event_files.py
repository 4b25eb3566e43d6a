"""Scalars out of the TensorBoard event files of a run that may still be written."""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import CRC_TABLE  # type: ignore[import-untyped]

from lightning_infomem.runs.courses import RunValues

__all__ = ["EVENT_FILE", "EventFiles"]

EVENT_FILE = "events.out.tfevents."  # how the name of one begins

# A record is the length of its event, a checksum of that, the event, and a checksum of it.
_LENGTH, _CHECKSUM = struct.Struct("<Q"), 4
_HEADER = _LENGTH.size + _CHECKSUM
_TABLE = np.array(CRC_TABLE, dtype=np.uint32)


class EventFiles:
    """The event files of one folder, read on from where the last reading ended.

    The records are taken apart here: the reader in ``tensorboard.backend`` takes a damaged record for the end of the
    file, and runs its checksum, in Python, over every figure in it: a second for a few megabytes. Here checksums are
    made of the headers and of the scalars that are wanted, of all of one length at once; the event itself is read by
    TensorBoard's own schema. Half a million scalars take 3 s.

    Args:
        folder: with the files; those in its subfolders are of other runs.
        measures: the last parts of the names that are wanted.

    Attributes:
        values: what was read so far. Where a step is not above the one before it, the run was taken up there again, as
            from a checkpoint, and what it had said from that step on is dropped.
        last_time: seconds since 1970, when the last event of any kind was written; NaN without any.
        faults: name of a file -> why it, or a part of it, could not be read. The unfinished record at the end of a
            file that is being written is none.
    """

    kept: str | None = None  # which moment of a run to keep is not logged
    abstention: str | None = None

    def __init__(self, folder: Path, measures: Collection[str]) -> None:
        self.folder = folder
        self.values: RunValues = {}
        self.last_time = math.nan
        self.faults: dict[str, str] = {}
        self._measures = frozenset(measures)
        self._read: dict[Path, int] = {}  # bytes of each file
        self._damaged: dict[str, int] = {}  # records of each file

    @property
    def source(self) -> str:
        """What was read, for people."""
        names = sorted(path.name for path in self._read)
        return f"'{self.folder / names[-1]}'" if names else f"'{self.folder}'"

    def reload(self) -> None:
        """Read what was added since the last time, in files old or new. Raises nothing: see ``faults``."""
        self.faults = {}
        try:
            paths = sorted(path for path in self.folder.iterdir() if path.name.startswith(EVENT_FILE))
        except OSError as fault:
            self.faults[str(self.folder)] = f"cannot be read ({fault.strerror})"
            return
        for path in paths:
            offset = self._read.setdefault(path, 0)
            try:
                with path.open("rb") as stream:
                    self._read_on(path, stream, offset)
            except OSError as fault:
                self.faults[path.name] = f"cannot be read ({fault.strerror})"
            if count := self._damaged.get(path.name):
                self.faults.setdefault(
                    path.name, f"{count} damaged {'records are' if count > 1 else 'record is'} left out"
                )

    def _read_on(self, path: Path, stream: BinaryIO, offset: int) -> None:
        if stream.seek(0, 2) == offset:  # which mmap would refuse of an empty file
            return
        with mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
            places, self._read[path], is_damaged = _records(content, offset)
            if is_damaged:  # where the next one begins is not known any more
                self.faults[path.name] = f"damaged from byte {self._read[path]} on; what follows is not read"
            self._take(path, content, places)

    def _take(self, path: Path, content: mmap, places: Sequence[tuple[int, int]]) -> None:
        """Add the scalars of the events between these bytes, those that are not damaged."""
        found: dict[int, tuple[Any, list[tuple[str, float]]]] = {}  # by the place
        events = 0
        for place, (start, end) in enumerate(places):
            try:
                event = Event.FromString(content[start:end])
            except DecodeError:
                continue
            events += 1
            self.last_time = event.wall_time
            scalars = [
                (value.tag, float(value.simple_value))
                for value in event.summary.value
                if value.HasField("simple_value") and value.tag.rpartition("/")[2] in self._measures
            ]
            if scalars:
                found[place] = (event.step, scalars)
        whole = _are_whole(content, [places[place] for place in found])
        for (step, scalars), is_whole in zip(found.values(), whole, strict=True):
            for name, value in scalars if is_whole else ():
                course = self.values.setdefault(name, [])
                while course and course[-1][0] >= step:
                    course.pop()
                course.append((step, value))
        if count := len(places) - events + whole.count(False):
            self._damaged[path.name] = self._damaged.get(path.name, 0) + count


def _records(content: mmap, offset: int) -> tuple[list[tuple[int, int]], int, bool]:
    """The first and last byte of every whole event from here on, where they end, and whether damage ends them."""
    places, headers = [], []
    while offset + _HEADER <= len(content):
        headers.append((offset, offset + _LENGTH.size))
        start = offset + _HEADER
        end = start + _LENGTH.unpack_from(content, offset)[0]
        if end + _CHECKSUM > len(content):
            break
        places.append((start, end))
        offset = end + _CHECKSUM
    for index, is_whole in enumerate(_are_whole(content, headers)):
        if not is_whole:
            return places[:index], headers[index][0], True
    return places, offset, False


def _are_whole(content: mmap, places: Sequence[tuple[int, int]]) -> list[bool]:
    """Whether the bytes between these places have the checksum that follows them."""
    whole = np.ones(len(places), dtype=bool)
    starts, ends = np.array(places, dtype=np.int64).reshape(-1, 2).T
    raw = np.frombuffer(content, dtype=np.uint8)
    for length in np.unique(ends - starts):
        alike = np.flatnonzero(ends - starts == length)
        rows = raw[starts[alike, None] + np.arange(length)]
        stored = raw[ends[alike, None] + np.arange(_CHECKSUM)].copy().view("<u4").ravel()
        whole[alike] = _masked_checksums(rows) == stored
    del raw  # else the file could not be closed
    return [bool(each) for each in whole]


def _masked_checksums(rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """CRC-32C of every row, masked as event files have it."""
    checksums = np.full(len(rows), 0xFFFFFFFF, dtype=np.uint32)
    for column in rows.T:
        checksums = _TABLE[(checksums ^ column) & 0xFF] ^ (checksums >> 8)
    checksums ^= 0xFFFFFFFF
    return (((checksums >> 15) | (checksums << 17)) + 0xA282EAD8).astype(np.uint32)
