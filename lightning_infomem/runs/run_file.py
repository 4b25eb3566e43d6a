"""The run file: one JSON line for each measurement of a run, which can be read while it is written."""

from __future__ import annotations

import errno
import json
import math
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_infomem._errors import UsageValueError

__all__ = ["RUN_FILE", "Measurement", "RunFile", "find_run_files", "read_run_file"]

RUN_FILE = "infomem.jsonl"

_VERSION = 1
_LONGEST = 2**24  # bytes of a line that are read at once: a file without line ends is no reason to fill the memory
_LARGEST = 2**63  # numbers in a line are smaller
_NUMBER = (int, float)
# Field of a line -> the kinds of value that it may have.
_KINDS: Mapping[str, Sequence[type]] = {
    "run_id": (str,),
    "prefix": (str,),
    "number": (int,),
    "epoch": _NUMBER,
    "step": (int,),
    "time": _NUMBER,
    "values": (dict,),
    "is_memorizing": (bool,),
    "kept_epoch": (int, type(None)),
    "kept_step": (int, type(None)),
    "abstention": (str, type(None)),
}


@dataclass(frozen=True)
class Measurement:
    """One line of a run file.

    Attributes:
        run_id: Random hexadecimal digits that a run keeps when it is resumed.
        prefix: First part of the names of the monitor that measured.
        number: How many measurements of the run came before.
        epoch: Epoch of the run; transformers counts parts of epochs.
        step: Global step of the run.
        time: Seconds since 1970 at the measurement.
        values: Logged name -> finite value, including the drops that the alarm rests on.
        is_memorizing: Whether the alarm is on.
        kept_epoch: Epoch of the moment to keep, which is the last one while the alarm is off; None if unknown.
        kept_step: Step of that moment; None if unknown.
        abstention: Reason why no verdict is possible; None if there is one.
    """

    run_id: str
    prefix: str
    number: int
    epoch: float
    step: int
    time: float
    values: Mapping[str, float]
    is_memorizing: bool
    kept_epoch: int | None
    kept_step: int | None
    abstention: str | None

    @property
    def kept(self) -> str | None:
        """Name of the moment to keep, for people; None while the alarm is off, and where it is not known."""
        if not self.is_memorizing or (self.kept_epoch is None and self.kept_step is None):
            return None
        return f"step {self.kept_step}" if self.kept_epoch is None else f"epoch {self.kept_epoch}"

    def to_line(self) -> bytes:
        """Return the line as JSON, with the version of the format in front."""
        finite = {name: value for name, value in self.values.items() if math.isfinite(value)}
        return json.dumps({"version": _VERSION, **vars(self), "values": finite}, allow_nan=False).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Measurement:
        """Restore a measurement from `to_line`; unknown entries are ignored.

        Raises:
            ValueError: The line is not of this format; the message says why.
        """
        try:
            content = json.loads(line.decode())
        except (ValueError, RecursionError):
            raise UsageValueError("no JSON") from None
        if not isinstance(content, dict):
            raise UsageValueError("no JSON object")
        if content.get("version") != _VERSION:
            raise UsageValueError(f"not of format {_VERSION}: written by another version of lightning_infomem")
        fields: dict[str, Any] = {}
        for name, kinds in _KINDS.items():
            fields[name] = content.get(name)
            if not _is_one_of(fields[name], kinds):
                raise UsageValueError(f"{name!r} is missing or of a wrong kind")
        if not all(_is_one_of(value, _NUMBER) for value in fields["values"].values()):
            raise UsageValueError("a value is no finite number")
        return cls(**fields)


class RunFile:
    """Appends measurements to the run file in a folder. If that fails, it warns once and the training goes on.

    Args:
        folder: Folder of the run, made if it is missing; with None nothing is written.
        who: Name of the callback, for warnings.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, *, who: str) -> None:
        self.path = None if folder is None else Path(folder).absolute() / RUN_FILE
        self._who, self._has_warned = who, False
        if "://" in str(folder):
            self.path = None
            self._warn(f"a folder on this machine is required for {RUN_FILE}, got '{folder}'")

    def append(self, measurement: Measurement) -> None:
        """Write one line with a single system call, so that a crash leaves whole lines."""
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab+", buffering=0) as file:
                line = measurement.to_line()
                if file.tell() and not _ends_a_line(file):  # a crash or a full disk left half a line
                    line = b"\n" + line
                if file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as fault:
            self._warn(f"a measurement could not be written to '{self.path}' ({fault.strerror})")

    def _warn(self, what: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(f"{self._who}: {what}; the training goes on without.", stacklevel=4)


def find_run_files(places: Iterable[Path]) -> list[Path]:
    """Find the run files in folders and their non-hidden subfolders, each once."""
    found: dict[Path, None] = {}
    for place in places:
        for name, folders, files in os.walk(place):
            folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
            if RUN_FILE in files and (path := Path(name, RUN_FILE)).is_file():
                found[path] = None
    return list(found)


def read_run_file(path: Path) -> tuple[list[Measurement], str | None]:
    """Read the whole lines of a run file; an unfinished last line is ignored, since the file may be in use.

    Returns:
        The measurements, in the order of the lines, and why lines could not be read; None if all could.

    Cost:
        A second for 100 MB: 1,000 measurements of 200 layers.
    """
    found: list[Measurement] = []
    faults: list[str] = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), start=1):
                if line.endswith(b"\n"):
                    try:
                        found.append(Measurement.from_line(line))
                    except ValueError as fault:
                        faults.append(f"line {number}: {fault}")
    except OSError as fault:
        return [], f"cannot be read ({fault.strerror})"
    if not faults:
        return found, None
    return found, f"{len(faults)} {'lines are' if len(faults) > 1 else 'line is'} left out ({faults[0]})"


def _ends_a_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


def _is_one_of(value: object, kinds: Sequence[type]) -> bool:
    if type(value) not in kinds:  # a bool would pass for an int
        return False
    if isinstance(value, str):
        return value.isprintable()  # it goes to terminals
    return not isinstance(value, (int, float)) or -_LARGEST < value < _LARGEST  # which NaN is not
