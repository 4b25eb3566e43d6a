"""Find the newest run in a folder, while it may still be going on."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from lightning_infomem._errors import UsageFileError, UsageValueError
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, find_checkpoints
from lightning_infomem.runs.recorded_runs import RecordedRun, runs_of_checkpoint, runs_of_file
from lightning_infomem.runs.run_file import RUN_FILE, find_run_files

__all__ = ["NewestRun", "newest_run"]


@dataclass(frozen=True)
class NewestRun:
    """A run, as far as it has been recorded.

    Attributes:
        source: Its run file or the folder of its checkpoints; if there is neither, the place that was searched.
        monitors: Record of each of its monitors; empty before the first measurement.
        faults: Name of a file -> why it, or a part of it, could not be read.
    """

    source: Path
    monitors: list[RecordedRun] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return self.source.parent if self.source.name == RUN_FILE else self.source

    @property
    def last_time(self) -> float:
        """Seconds since 1970 at its last measurement; NaN before the first."""
        return max((monitor.last.time for monitor in self.monitors), default=math.nan)


def newest_run(place: Path) -> NewestRun:
    """Read the run whose run file changed last; without a run file, that of the newest checkpoint.

    Args:
        place: Folder to search with its subfolders, or the ``source`` of a run that was read before.

    Raises:
        OSError: The place is no folder, or may not be read.
    """
    if place.name == RUN_FILE and place.is_file():
        return _of_file(place)
    if not place.is_dir():
        came = "a file" if place.exists() else "nothing there"
        raise UsageFileError(
            f"RUN: a folder that a training writes to is required, got '{place}', {came}; give its log folder, such "
            "as lightning_logs/version_0, or any above."
        )
    if not os.access(place, os.R_OK | os.X_OK):
        raise UsageFileError(
            f"RUN: a folder that may be read is required, got '{place}' without that permission; ask its owner."
        )
    run_files = find_run_files([place])
    return _of_file(max(run_files, key=_time)) if run_files else _of_checkpoints(place)


def _of_file(path: Path) -> NewestRun:
    runs, fault = runs_of_file(path)
    monitors = [run for run in runs if run.last.run_id == runs[-1].last.run_id]  # of several runs in one folder
    return NewestRun(path, monitors, {} if fault is None else {path.name: fault})


def _of_checkpoints(place: Path) -> NewestRun:
    faults: dict[str, str] = {}
    try:
        checkpoints = sorted(find_checkpoints(place), key=_time, reverse=True)
    except UsageValueError:  # there is none yet
        checkpoints = []
    for path in checkpoints:
        try:
            runs = runs_of_checkpoint(path)
        except UnusableCheckpoint as fault:  # half written, for instance
            faults[path.name] = str(fault)
            continue
        if runs:
            return NewestRun(path.parent, runs, faults)
    return NewestRun(place, [], faults)


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # removed just now
        return 0
