"""Names of files in messages and tables."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["files_by_reason", "name_files"]

_FILES_NAMED = 3


def name_files(files: Sequence[str]) -> str:
    """Name the first three files, and count the others.

    >>> name_files(["a.ckpt", "b.ckpt", "c.ckpt", "d.ckpt", "e.ckpt"])
    "'a.ckpt', 'b.ckpt', 'c.ckpt' and 2 more"
    """
    named = ", ".join(f"'{file}'" for file in files[:_FILES_NAMED])
    return named if len(files) <= _FILES_NAMED else f"{named} and {len(files) - _FILES_NAMED} more"


def files_by_reason(
    reasons: Mapping[str, str] | Iterable[tuple[str, str]], folder: str | os.PathLike[str] = ""
) -> list[str]:
    """Return one line per reason, with its files in front: a thousand files with one fault make one line.

    Args:
        reasons: Path -> reason, or pairs of both.
        folder: Folder that is left out of the paths of files in it.

    >>> files_by_reason({"runs/a.ckpt": "truncated", "runs/b.ckpt": "truncated"}, "runs")
    ["'a.ckpt', 'b.ckpt': truncated"]
    """
    groups: dict[str, list[str]] = {}
    for file, reason in reasons.items() if isinstance(reasons, Mapping) else reasons:
        groups.setdefault(reason, []).append(file.removeprefix(f"{folder}{os.sep}"))
    return [f"{name_files(files)}: {reason}" for reason, files in groups.items()]
