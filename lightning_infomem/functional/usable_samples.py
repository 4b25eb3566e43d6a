"""Checks that every measure of a sample matrix shares."""

from __future__ import annotations

import math

from torch import Tensor

from lightning_infomem._checks import check_samples, describe
from lightning_infomem._errors import UsageValueError
from lightning_infomem.functional.standardization import finite_samples, warn_of_dropped

__all__ = ["among_all_units", "usable_samples"]


def usable_samples(samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Check samples and drop non-finite values, with a warning that points at the caller of the public function.

    Args:
        samples: ``[samples, units]``, any floating-point dtype.

    Returns:
        As `finite_samples`: the kept rows and units, at least one of each, and two bool masks.

    Raises:
        TypeError: If ``samples`` is not a floating-point tensor.
        ValueError: If the shape is wrong or no row is finite.
    """
    check_samples(samples)
    kept, finite_rows, live_units = finite_samples(samples)
    if len(kept) == 0:
        raise UsageValueError(
            f"samples: a row of finite values is required, got {describe(samples)} without any; check the model."
        )
    warn_of_dropped(finite_rows, stacklevel=4)
    return kept, finite_rows, live_units


def among_all_units(found: Tensor, live_units: Tensor) -> Tensor:
    """Expand a matrix of the kept units to all units: ``[units, units]``, NaN for dropped units."""
    if bool(live_units.all()):
        return found
    result = found.new_full((len(live_units),) * 2, math.nan)
    live = live_units.nonzero()[:, 0]
    result[live[:, None], live] = found
    return result
