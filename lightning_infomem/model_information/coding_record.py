"""A progress file that lets an interrupted coding resume where it stopped."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_infomem._errors import UsageFileError, UsageValueError

__all__ = ["CodingRecord"]

_KEY = "infomem_coding"


class CodingRecord:
    """The progress file of one coding. It is written atomically, so a killed process leaves no partial file.

    Args:
        path: Path of the file; its folder must exist.
        content: Digest of everything that the result depends on.

    Raises:
        ValueError: The file is not a coding record, or it belongs to another coding.
        UsageFileError: The folder is missing.
    """

    def __init__(self, path: str | Path, content: str) -> None:
        self._path, self._content = Path(path), content
        if not self._path.parent.is_dir():
            raise UsageFileError(f"resume: a file in an existing folder is required, got '{path}'; create it.")
        self.nats: list[float] = []
        self.weights: dict[str, Tensor] = {}
        if self._path.exists():
            self._read()

    def write(self, nats: Sequence[float], weights: dict[str, Tensor]) -> None:
        """Save the nats of the blocks coded so far, and the weights from which the next training starts."""
        content = io.BytesIO()
        torch.save({_KEY: {"content": self._content, "nats": list(nats), "weights": weights}}, content)
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            part.write_bytes(content.getvalue())
            os.replace(part, self._path)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def _read(self) -> None:
        try:
            state: dict[str, Any] = torch.load(self._path, map_location="cpu", weights_only=True)[_KEY]
            content, self.nats, self.weights = state["content"], state["nats"], state["weights"]
        except Exception as fault:  # the unpickler raises almost anything on bytes that are not a pickle
            raise UsageValueError(
                f"resume: a file written by an earlier coding is required, got '{self._path}', which cannot be read "
                f"({fault}); give another path, or delete it."
            ) from fault
        if content != self._content:
            raise UsageValueError(
                f"resume: '{self._path}' belongs to another coding: model, weights, labels or settings differ; give "
                "another path, or delete it to start over."
            )
