"""Names of files in messages and tables."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

__all__ = ["common_folder", "files_by_reason", "name_files"]

_FILES_NAMED = 3


def name_files(files: Sequence[str]) -> str:
    """Name the first three files, and count the others.

    >>> name_files(["a.ckpt", "b.ckpt", "c.ckpt", "d.ckpt", "e.ckpt"])
    "'a.ckpt', 'b.ckpt', 'c.ckpt' and 2 more"
    """
    named = ", ".join(f"'{file}'" for file in files[:_FILES_NAMED])
    return named if len(files) <= _FILES_NAMED else f"{named} and {len(files) - _FILES_NAMED} more"


def common_folder(paths: Iterable[Path]) -> Path:
    """Return the folder that all these files are in, at any depth; absolute if some of the paths are.

    >>> common_folder([Path("runs/one/a.ckpt"), Path("runs/two/a.ckpt")]).as_posix()
    'runs'
    """
    folders = [path.parent for path in paths]
    if len({folder.is_absolute() for folder in folders}) > 1:
        folders = [folder.absolute() for folder in folders]
    return Path(os.path.commonpath(folders))


def files_by_reason(
    reasons: Mapping[str, str] | Iterable[tuple[str, str]], folder: str | os.PathLike[str] = ""
) -> list[str]:
    """Return one line per reason, with its files in front: a thousand files with one fault make one line.

    Args:
        reasons: Path -> reason, or pairs of both.
        folder: Folder that is left out of the paths of files in it.

    >>> files_by_reason({"runs/a.ckpt": "truncated", "runs/b.ckpt": "truncated"}, "runs")
    ["'a.ckpt', 'b.ckpt': truncated"]
    >>> files_by_reason({"/runs/a.ckpt": "truncated"})
    ["'/runs/a.ckpt': truncated"]
    """
    inside = f"{folder}{os.sep}" if str(folder) else ""
    groups: dict[str, list[str]] = {}
    for file, reason in reasons.items() if isinstance(reasons, Mapping) else reasons:
        groups.setdefault(reason, []).append(file.removeprefix(inside))
    return [f"{name_files(files)}: {reason}" for reason, files in groups.items()]
