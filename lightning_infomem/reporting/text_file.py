"""Write text files."""

from __future__ import annotations

import os
from pathlib import Path

from lightning_infomem._errors import UsageFileError

__all__ = ["check_target", "write_text"]


def check_target(path: Path, *, option: str = "--output") -> None:
    """Check that a file can be written, before the work for it is done.

    Args:
        path: Path of the file.
        option: Option by which it was given, for the message.

    Raises:
        OSError: The folder does not exist or is not writable; the message names ``path``.
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
    """Write UTF-8 with the line ends of ``text``, replacing an existing file; a reader never sees half a file.

    Raises:
        OSError: See `check_target`.
    """
    check_target(path)
    # Next to the target, because a rename is atomic only within one file system.
    # The name of the target can be as long as a name may be.
    partial = path.with_name(f".{os.getpid()}.partial")
    try:
        partial.write_bytes(text.encode("utf-8", "surrogateescape"))  # file names may not be UTF-8
        partial.replace(path)
    except OSError as fault:  # a full disk, for instance
        raise UsageFileError(
            f"'{path}' cannot be written ({fault.strerror or fault}); choose another place."
        ) from fault
    finally:
        partial.unlink(missing_ok=True)
