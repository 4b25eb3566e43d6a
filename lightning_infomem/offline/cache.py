"""Cache of measured reports next to the checkpoints, so that an interrupted ranking resumes where it stopped."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path

import torch

from lightning_infomem.offline.content_digests import digest
from lightning_infomem.records.report import REPORT_KEY, InformationReport

__all__ = ["ReportCache"]

_FOLDER = ".infomem"  # hidden, so it is not searched for checkpoints
_SUFFIX = ".report"


class ReportCache:
    """A content-addressed cache with one small file per report.

    A file is named by a digest of everything its report depends on, so entries are never stale. A damaged file counts
    as missing. The cache can be deleted at any time.

    Args:
        folder: Folder of the cache; by default, ``.infomem`` next to each checkpoint.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = None if folder is None else Path(folder)
        self.fault: str | None = None  # why writing has stopped

    def file_for(self, path: Path, parts: Iterable[object]) -> Path:
        """Return the cache file for the report on a checkpoint.

        Args:
            path: Path of the checkpoint.
            parts: Everything its report depends on; see `content_digests.digest`.
        """
        # Include the state version, so that reports this version of the package cannot read count as missing.
        version = InformationReport(layers=(), settings={}, backend="").to_state()["state_version"]
        return (self._folder or path.parent / _FOLDER) / f"{digest([version, *parts])}{_SUFFIX}"

    def read(self, file: Path) -> InformationReport | None:
        """Return the report in a file, or None if it is missing or unreadable."""
        try:
            return InformationReport.from_state(torch.load(file, map_location="cpu", weights_only=True)[REPORT_KEY])
        except Exception:  # the unpickler raises almost anything on bytes that are not a pickle
            return None

    def write(self, file: Path, report: InformationReport) -> None:
        """Store a report; if writing fails, record the reason in ``fault`` and stop writing."""
        if self.fault is not None:
            return
        content = io.BytesIO()
        torch.save({REPORT_KEY: report.to_state()}, content)
        part = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.write_bytes(content.getvalue())
                os.replace(part, file)  # atomic, so a killed process leaves no partial file
            except OSError:
                part.unlink(missing_ok=True)
                raise
        except OSError as fault:
            self.fault = f"'{file.parent}': {fault.strerror or fault}"
