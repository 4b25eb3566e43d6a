"""Reports that had to be measured, kept beside the checkpoints, so that a ranking broken off goes on where it was."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path

import torch

from lightning_infomem.offline.content_digests import digest
from lightning_infomem.records.report import REPORT_KEY, InformationReport

__all__ = ["ReportCache"]

_FOLDER = ".infomem"  # hidden: not searched for checkpoints
_SUFFIX = ".report"


class ReportCache:
    """Small files, one a report, named by the content of all that the report depends on.

    Nothing in it is ever wrong, only missing: whatever changes gives another name. A file that is damaged counts as
    missing. It can be deleted at any time.

    Args:
        folder: of the files; by default ``.infomem`` beside each checkpoint.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = None if folder is None else Path(folder)
        self.fault: str | None = None  # why nothing more is kept

    def file_for(self, path: Path, parts: Iterable[object]) -> Path:
        """Where the report on a checkpoint is kept.

        Args:
            path: of the checkpoint.
            parts: what its report depends on; see `content_digests.digest`.
        """
        # What cannot be read by this version of the package counts as missing, too.
        version = InformationReport(layers=(), settings={}, backend="").to_state()["state_version"]
        return (self._folder or path.parent / _FOLDER) / f"{digest([version, *parts])}{_SUFFIX}"

    def read(self, file: Path) -> InformationReport | None:
        """The report in that file, or None where there is none that can be read."""
        try:
            return InformationReport.from_state(torch.load(file, map_location="cpu", weights_only=True)[REPORT_KEY])
        except Exception:  # bytes that are no pickle make the unpickler stumble over anything
            return None

    def write(self, file: Path, report: InformationReport) -> None:
        """Keep a report; where the disk refuses, remember why and try no more."""
        if self.fault is not None:
            return
        content = io.BytesIO()
        torch.save({REPORT_KEY: report.to_state()}, content)
        part = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.write_bytes(content.getvalue())
                os.replace(part, file)  # so that a file is whole or not there, whenever the process is killed
            except OSError:
                part.unlink(missing_ok=True)
                raise
        except OSError as fault:
            self.fault = f"'{file.parent}': {fault.strerror or fault}"
