"""What is coded so far, in a file, so that a coding that was broken off goes on where it was."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

__all__ = ["CodingRecord"]

_KEY = "infomem_coding"


class CodingRecord:
    """A file that is whole or not there, whenever the process is killed.

    Args:
        path: of the file; its folder must exist.
        content: a digest of all that the result depends on.

    Raises:
        ValueError: what is there is no record, or that of another coding.
        FileNotFoundError: the folder is missing.
    """

    def __init__(self, path: str | Path, content: str) -> None:
        self._path, self._content = Path(path), content
        if not self._path.parent.is_dir():
            raise FileNotFoundError(f"resume: a file in an existing folder is required, got '{path}'; make the folder.")
        self.nats: list[float] = []
        self.weights: dict[str, Tensor] = {}
        if self._path.exists():
            self._read()

    def write(self, nats: Sequence[float], weights: dict[str, Tensor]) -> None:
        """Keep the blocks coded so far, and the weights from which the next training begins."""
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
        except Exception as fault:  # bytes that are no pickle make the unpickler stumble over anything
            raise ValueError(
                f"resume: a file that a coding has written is required, got '{self._path}', which is none ({fault}); "
                "give another path, or delete it."
            ) from fault
        if content != self._content:
            raise ValueError(
                f"resume: '{self._path}' is of another coding: model, weights, labels or settings differ; give another "
                "path, or delete it to begin anew."
            )
