"""Scalars out of the TensorBoard event files of a run that may still be written."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c  # type: ignore[import-untyped]

from lightning_infomem.reporting.courses import RunValues

__all__ = ["EVENT_FILE", "EventFiles"]

EVENT_FILE = "events.out.tfevents."  # how the name of one begins

# A record is the length of its event, a checksum of that, the event, and a checksum of it.
_HEADER, _LENGTH, _CHECKSUM = 12, struct.Struct("<Q"), struct.Struct("<I")


class EventFiles:
    """The event files of one folder, read on from where the last reading ended.

    The records are taken apart here: the reader in ``tensorboard.backend`` takes a damaged record for the end of the
    file, and runs its checksum, in Python, over every figure in it: a second for a few megabytes. Here checksums are
    made of the headers and of the scalars that are wanted; the event itself is read by TensorBoard's own schema.

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
        stream.seek(offset)
        for record in _records(stream):
            if record is None:  # where the next one begins is not known any more
                self.faults[path.name] = f"damaged from byte {self._read[path]} on; what follows is not read"
                return
            self._read[path] = stream.tell()
            event, checksum = record
            if not self._take(event, checksum):
                self._damaged[path.name] = self._damaged.get(path.name, 0) + 1

    def _take(self, record: bytes, checksum: int) -> bool:
        """Add the scalars of one event; False where it is damaged."""
        try:
            event = Event.FromString(record)
        except DecodeError:
            return False
        found = [
            (value.tag, float(value.simple_value))
            for value in event.summary.value
            if value.HasField("simple_value") and value.tag.rpartition("/")[2] in self._measures
        ]
        if found and masked_crc32c(record) != checksum:
            return False
        for name, value in found:
            course = self.values.setdefault(name, [])
            while course and course[-1][0] >= event.step:
                course.pop()
            course.append((event.step, value))
        self.last_time = event.wall_time
        return True


def _records(stream: BinaryIO) -> Iterator[tuple[bytes, int] | None]:
    """Every whole record from here on and the checksum that it came with; None, and no more, at a damaged header."""
    size = os.fstat(stream.fileno()).st_size
    while len(header := stream.read(_HEADER)) == _HEADER:
        if masked_crc32c(header[: _LENGTH.size]) != _CHECKSUM.unpack(header[_LENGTH.size :])[0]:
            yield None
            return
        (length,) = _LENGTH.unpack(header[: _LENGTH.size])
        if stream.tell() + length + _CHECKSUM.size > size:
            return
        yield stream.read(length), _CHECKSUM.unpack(stream.read(_CHECKSUM.size))[0]
