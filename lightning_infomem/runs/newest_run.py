"""Where a run can be read that is still going on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from lightning_infomem.checkpoints.reading import find_checkpoints
from lightning_infomem.runs.checkpoint_values import CheckpointValues
from lightning_infomem.runs.courses import LAYER_MEASURES, RUN_MEASURES, RunValues
from lightning_infomem.runs.event_files import EVENT_FILE, EventFiles

__all__ = ["RunFiles", "newest_run"]


class RunFiles(Protocol):
    """Files that a run writes; see `EventFiles` and `CheckpointValues`."""

    folder: Path
    values: RunValues
    last_time: float
    faults: dict[str, str]
    kept: str | None
    abstention: str | None

    @property
    def source(self) -> str:
        """What was read, for people."""

    def reload(self) -> None:
        """Read what is new."""


def newest_run(place: Path) -> RunFiles:
    """The run in a folder, or of several below it the one that was written to last; nothing of it is read yet.

    Args:
        place: a folder; below it folders with event files, or where there are none with checkpoints, are looked for.

    Raises:
        NotADirectoryError, PermissionError: the place is no folder, or may not be looked into.
        ValueError: there is no run.
    """
    if not place.is_dir():
        came = "a file" if place.exists() else "nothing there"
        raise NotADirectoryError(
            f"RUN: a folder that a training writes to is required, got '{place}', {came}; give its log folder, such "
            "as lightning_logs/version_0, or any above."
        )
    if not os.access(place, os.R_OK | os.X_OK):
        raise PermissionError(
            f"RUN: a folder that may be read is required, got '{place}' without that permission; ask its owner."
        )
    newest: dict[Path, int] = {}
    for name, folders, files in os.walk(place):
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        times = [_time(Path(name, file)) for file in files if file.startswith(EVENT_FILE)]
        if times:
            newest[Path(name)] = max(times)
    if newest:
        return EventFiles(max(newest, key=lambda folder: newest[folder]), LAYER_MEASURES + RUN_MEASURES)
    try:
        checkpoints = find_checkpoints(place)
    except ValueError as fault:
        raise ValueError(
            f"RUN: a folder with TensorBoard event files or checkpoints is required, got '{place}' without any, "
            "subfolders included; give the folder that your training writes to."
        ) from fault
    return CheckpointValues(max(checkpoints, key=_time).parent)


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # removed just now
        return 0
