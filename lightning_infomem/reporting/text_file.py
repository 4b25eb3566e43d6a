"""Text as a file."""

from __future__ import annotations

import os
from pathlib import Path

from lightning_infomem._errors import UsageFileError

__all__ = ["check_target", "write_text"]


def check_target(path: Path, *, option: str = "--output") -> None:
    """Say that a file cannot be written before the work for it is done.

    Args:
        path: of the file.
        option: by which it was given, for the message.

    Raises:
        OSError: the folder does not exist or cannot be written to; the message names ``path``.
    """
    if path.is_dir():
        raise UsageFileError(f"{option}: the name of a file is required, got the folder '{path}'; add a name.")
    if not path.parent.is_dir():
        raise UsageFileError(
            f"{option}: a file in an existing folder is required, got '{path}'; make '{path.parent}' first."
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageFileError(
            f"{option}: a folder that may be written to is required, got '{path.parent}'; choose another."
        )


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with the line ends of ``text``; a reader never sees half a file, and a file of that name is replaced.

    Raises:
        OSError: see `check_target`.
    """
    check_target(path)
    # Beside the target: a rename is atomic only within one file system.
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(text.encode("utf-8", "surrogateescape"))  # names of files may be no UTF-8
        partial.replace(path)
    except OSError as fault:  # a full disk, for instance
        raise UsageFileError(
            f"'{path}' cannot be written ({fault.strerror or fault}); choose another place."
        ) from fault
    finally:
        partial.unlink(missing_ok=True)
