"""A doubt about a result, for programs and for people."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Flag"]


class Flag(NamedTuple):
    """A doubt about a result.

    Attributes:
        name: One word for programs.
        message: One sentence for people.
    """

    name: str
    message: str
