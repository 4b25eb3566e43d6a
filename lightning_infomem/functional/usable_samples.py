"""What every quantity of a matrix of samples requires of it."""

from __future__ import annotations

import math

from torch import Tensor

from lightning_infomem._checks import check_samples, describe
from lightning_infomem.functional.standardization import finite_samples

__all__ = ["among_all_units", "usable_samples"]


def usable_samples(samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Check samples and drop what is not finite; tell of it with `warn_of_dropped` in the public function itself.

    Args:
        samples: ``[samples, units]``, any floating-point dtype.

    Returns:
        As `finite_samples`: the kept rows and units, at least one of each, and two bool masks.

    Raises:
        TypeError: ``samples`` is no floating-point tensor.
        ValueError: wrong shape, or no finite row.
    """
    check_samples(samples)
    kept, finite_rows, live_units = finite_samples(samples)
    if len(kept) == 0:
        raise ValueError(f"samples: a row of finite values is required, got {describe(samples)} without any.")
    return kept, finite_rows, live_units


def among_all_units(found: Tensor, live_units: Tensor) -> Tensor:
    """Put a matrix of the kept units back among all units: ``[units, units]``, NaN for a unit that was dropped."""
    if bool(live_units.all()):
        return found
    result = found.new_full((len(live_units),) * 2, math.nan)
    live = live_units.nonzero()[:, 0]
    result[live[:, None], live] = found
    return result
