"""Names of checkpoints that fit beside a figure."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["name_checkpoints", "shorten_name"]

_LONGEST, _START = 38, 12  # characters of a name, and how many of its start stay where the middle is left out


def name_checkpoints(paths: Sequence[Path]) -> list[str]:
    """Paths below the folder that all share, without what all end with; where long, without a start that all share.

    Args:
        paths: at least one.

    Returns:
        One name a path, of at most 38 characters. They differ wherever the paths do; if need be by the path's place in
        brackets.

    >>> name_checkpoints([Path("runs/a/last.ckpt"), Path("runs/b/last.ckpt")])
    ['a', 'b']
    """
    folder = os.path.commonpath([path.parent for path in paths]) or "."
    names = [Path(os.path.relpath(path, folder)).as_posix() for path in paths]
    suffixes = {path.suffix for path in paths}
    if len(suffixes) == 1:
        names = [name.removesuffix(path.suffix) for name, path in zip(names, paths, strict=True)]
    _, slash, last = names[0].rpartition("/")
    if len(names) > 1 and slash and all(name.endswith(f"/{last}") for name in names):
        names = [name.removesuffix(f"/{last}") for name in names]
    if max(map(len, names)) > _LONGEST:
        # By letters, but whole words only: a start is dropped up to its last separator.
        shared = re.sub(r"[^/_ -]*$", "", os.path.commonprefix(names))  # noqa: RUF071
        names = [f"…{name[len(shared) :]}" if shared else name for name in names]
    short = [shorten_name(name) for name in names]
    if len(set(short)) == len(set(paths)):
        return short
    end = len(f" ({len(short)})")
    return [f"{shorten_name(name, _LONGEST - end)} ({place})" for place, name in enumerate(names, start=1)]


def shorten_name(name: str, longest: int = _LONGEST) -> str:
    """Leave the middle of a name out where it is longer than so many characters.

    >>> shorten_name("a-name-that-says-all-about-the-run", 20)
    'a-name-that-…the-run'
    """
    return name if len(name) <= longest else f"{name[:_START]}…{name[_START + 1 - longest :]}"
