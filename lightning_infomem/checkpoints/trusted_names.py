"""Allow what a checkpoint names and torch does not load by itself."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from torch.serialization import safe_globals

from lightning_infomem._errors import UsageValueError

__all__ = ["trusted_names"]


def trusted_names(names: Iterable[str]) -> AbstractContextManager[None]:
    """Return a context in which checkpoints may name these classes and functions; loading them runs their code.

    Args:
        names: Names such as "pathlib.PosixPath", as the message about a refused checkpoint lists them.

    Raises:
        ValueError: A module is not installed, or does not have the name.
    """
    return safe_globals([(_imported(name), name) for name in names])


def _imported(name: str) -> Any:
    parts = name.split(".")
    fault: Exception | None = None
    for end in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
            for part in parts[end:]:
                found = getattr(found, part)
            return found
        except (ImportError, AttributeError, ValueError) as error:
            fault = fault or error
    raise UsageValueError(
        f"--allow: the full name of a class or function is required, got {name!r}, which cannot be imported "
        f"({fault or 'it names no module'}); copy the names from the message about the checkpoint."
    ) from fault
