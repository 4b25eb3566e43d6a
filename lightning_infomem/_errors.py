"""Errors that the user can mend, apart from our own bugs.

Each is also the built-in error that callers expect, so that ``except ValueError`` keeps working. The command line
prints these in one line; anything else is a bug and shows its traceback.
"""

from __future__ import annotations

__all__ = ["UsageError", "UsageFileError", "UsageImportError", "UsageTypeError", "UsageValueError"]


class UsageError(Exception):
    """Something that the user gave has to change; the message says what was required, what came, and what to do."""


class UsageValueError(UsageError, ValueError):
    """A value, a shape or a combination of arguments that cannot be used."""


class UsageTypeError(UsageError, TypeError):
    """An argument of the wrong type."""


class UsageFileError(UsageError, OSError):
    """A file or folder that is missing or cannot be read or written."""


class UsageImportError(UsageError, ModuleNotFoundError):
    """An optional package that is required and not installed."""
