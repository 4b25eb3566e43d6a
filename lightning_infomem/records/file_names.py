"""How files are named in messages and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["files_by_reason", "name_files"]

_FILES_NAMED = 3


def name_files(files: Sequence[str]) -> str:
    """The first few names, and how many more there are.

    >>> name_files(["a.ckpt", "b.ckpt", "c.ckpt", "d.ckpt", "e.ckpt"])
    "'a.ckpt', 'b.ckpt', 'c.ckpt' and 2 more"
    """
    named = ", ".join(f"'{file}'" for file in files[:_FILES_NAMED])
    return named if len(files) <= _FILES_NAMED else f"{named} and {len(files) - _FILES_NAMED} more"


def files_by_reason(reasons: Mapping[str, str] | Iterable[tuple[str, str]]) -> list[str]:
    """One line a reason, the files it holds for in front: a thousand files with one fault make one line.

    >>> files_by_reason({"a.ckpt": "truncated", "b.ckpt": "truncated"})
    ["'a.ckpt', 'b.ckpt': truncated"]
    """
    groups: dict[str, list[str]] = {}
    for file, reason in reasons.items() if isinstance(reasons, Mapping) else reasons:
        groups.setdefault(reason, []).append(file)
    return [f"{name_files(files)}: {reason}" for reason, files in groups.items()]
