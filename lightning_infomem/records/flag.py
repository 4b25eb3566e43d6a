"""A doubt about a result, for programs and for people."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Flag"]


@dataclass(frozen=True)
class Flag:
    """A doubt about a result.

    Attributes:
        name: Name for programs, such as "dead_units".
        message: Sentence for people.
        is_doubt: Whether it is a reason to doubt the result, rather than something to know of it.
    """

    name: str
    message: str
    is_doubt: bool = True
