"""Checks of what is given beside checkpoints, runs or moments: one for each of them."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized

from lightning_infomem._errors import UsageValueError

__all__ = ["check_levels", "check_one_each", "check_shares"]


def check_one_each(values: Sized | None, count: int, *, name: str, of: str) -> None:
    """Require as many values as there are of something, or None.

    >>> check_one_each(["a"], 2, name="names", of="reports")
    Traceback (most recent call last):
    ValueError: names: one for each of the 2 reports is required, got 1; pass them in the order of the reports.
    """
    if values is not None and len(values) != count:
        raise UsageValueError(
            f"{name}: one for each of the {count} {of} is required, got {len(values)}; "
            f"pass them in the order of the {of}."
        )


def check_levels(levels: Sequence[float] | None, count: int, *, of: str) -> None:
    """Require one finite level each, or None."""
    check_one_each(levels, count, name="levels", of=of)
    for level in [] if levels is None else levels:
        if not math.isfinite(level):
            raise UsageValueError(f"levels: finite numbers are required, got {level}; leave out those without a level.")


def check_shares(values: Sequence[float], *, name: str) -> None:
    """Require shares between 0 and 1; NaN is one that is not known."""
    for share in values:
        if share < 0 or share > 1:
            raise UsageValueError(
                f"{name}: shares between 0 and 1 are required, got {share}; divide percentages by 100."
            )
