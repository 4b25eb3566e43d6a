"""Groups of checkpoints that were trained by one recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = ["name_groups"]


def name_groups(
    paths: Sequence[Path], groups: Mapping[Any, str] | Callable[[Path], str] | None
) -> tuple[list[int] | None, list[str]]:
    """Number the groups of checkpoints.

    Args:
        paths: Paths of the checkpoints.
        groups: Path or file name -> name of the group, or a function of the path, or None.

    Returns:
        The number of each checkpoint's group, or None without groups; and the names of the groups in that order.

    Raises:
        TypeError: ``groups`` is neither a mapping nor a function.
        ValueError: A checkpoint has no group, or there is only one group.

    >>> name_groups([Path("a1.ckpt"), Path("a2.ckpt"), Path("b1.ckpt")], lambda path: path.name[0])
    ([0, 0, 1], ['a', 'b'])
    """
    if groups is None:
        return None, []
    if not callable(groups) and not isinstance(groups, Mapping):
        raise UsageTypeError(
            f"groups: a mapping of paths to names, or a function, is required, got {describe(groups)}."
        )
    found = []
    for path in paths:
        if callable(groups):
            found.append(str(groups(path)))
            continue
        keys = [key for key in (path, str(path), path.name) if key in groups]
        if not keys:
            raise UsageValueError(f"groups: a group for every checkpoint is required, got none for '{path}'; add it.")
        found.append(str(groups[keys[0]]))
    names = list(dict.fromkeys(found))
    if len(names) < 2:
        raise UsageValueError(
            f"groups: at least two are required, got only {names[0]!r}; give others, or leave it out."
        )
    return [names.index(name) for name in found], names
