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
    """

    name: str
    message: str
