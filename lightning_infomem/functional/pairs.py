"""Choose some pairs of units where all would be too many, and estimate the mean over all pairs from them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = ["PairInformation", "choose_pairs", "jackknife_error"]


class PairInformation(NamedTuple):
    """Mutual information of some pairs of units, and the mean over all pairs as estimated from them.

    Attributes:
        pairs: int64 ``[pairs, 2]``, indices of two different units.
        information: float64 ``[pairs]``, nats, raw; NaN where a unit has no finite value.
        mean: Mean in nats over the pairs that are not NaN.
        standard_error: Standard error of ``mean`` over units, in nats; see `jackknife_error`. It estimates how much the
            mean would vary with other units of the same kind, not the error of each pair's estimate.
    """

    pairs: Tensor
    information: Tensor
    mean: float
    standard_error: float

    @classmethod
    def of(cls, pairs: Tensor, information: Tensor) -> PairInformation:
        """Add the mean and standard error of the pairs that are not NaN."""
        known = ~information.isnan()
        values, chosen = information[known].cpu(), pairs[known].cpu()
        mean = values.mean().item() if len(values) else math.nan
        return cls(pairs, information, mean, jackknife_error(chosen, values))


def choose_pairs(pairs: int | Sequence[tuple[int, int]] | Tensor, num_units: int, *, seed: int) -> Tensor:
    """Draw a number of different pairs of units without replacement, or check the given pairs.

    Args:
        pairs: Number of pairs to draw, at most ``num_units * (num_units - 1) / 2``; or ``[pairs, 2]`` indices of units.
        num_units: Number of units.
        seed: Seed of a private generator, which draws the same pairs on every machine.

    Returns:
        int64 ``[pairs, 2]`` on the CPU.

    Raises:
        TypeError: ``pairs`` is neither a whole number nor indices.
        ValueError: There are too many pairs or none, the shape is wrong, or a unit does not exist or is paired with
            itself.
    """
    num_pairs = num_units * (num_units - 1) // 2
    if isinstance(pairs, int):
        check_count(pairs, name="pairs")
        check_count(seed, name="seed", minimum=0)
        if pairs > num_pairs:
            raise UsageValueError(
                f"pairs: at most the {num_pairs} of {num_units} units are required, got {pairs}; lower it."
            )
        index = torch.tensor(random.Random(seed).sample(range(num_pairs), pairs))
        # The pairs (first, second) with first < second, counted by second: (0, 1), (0, 2), (1, 2), (0, 3), ...
        second = ((1 + (1 + 8 * index.double()).sqrt()) / 2).long()
        return torch.stack([index - second * (second - 1) // 2, second], dim=1)
    given = torch.as_tensor(pairs).cpu()
    required = "a number of pairs or whole numbers of shape [pairs, 2]"
    if given.is_floating_point() or given.is_complex() or given.dtype == torch.bool:
        raise UsageTypeError(
            f"pairs: {required} are required, got {describe(given)}; convert the indices with .long()."
        )
    if given.ndim != 2 or given.shape[1] != 2 or not len(given):
        raise UsageValueError(
            f"pairs: {required}, at least one, are required, got {describe(given)}; give one pair a row."
        )
    given = given.long()
    if given.min() < 0 or given.max() >= num_units:
        raise UsageValueError(
            f"pairs: indices of the {num_units} units are required, got {given.min()} to {given.max()}; "
            f"count from 0 to {num_units - 1}."
        )
    if (given[:, 0] == given[:, 1]).any():
        unit = given[given[:, 0] == given[:, 1]][0, 0]
        raise UsageValueError(f"pairs: two different units are required, got {unit} with itself; leave such pairs out.")
    return given


def jackknife_error(pairs: Tensor, values: Tensor) -> float:
    """Estimate the standard error of a mean over pairs of units by leaving out one unit at a time.

    Pairs that share a unit are not independent: the standard error over pairs would be too small by a factor that grows
    with the number of units. A mean over pairs is a U-statistic, and its jackknife leaves out units.

    Args:
        pairs: int64 ``[pairs, 2]``.
        values: float64 ``[pairs]``.

    Returns:
        The error in the unit of ``values``; NaN for fewer than three units, or if one unit is in all pairs. It is
        somewhat too large if units have few pairs, because the variation of a pair counts for both of its units.

    Reference:
        Arvesen (1969), Jackknifing U-statistics, Annals of Mathematical Statistics 40(6), section 2.

    >>> round(jackknife_error(torch.tensor([[0, 1], [0, 2], [1, 2]]), torch.tensor([1.0, 2.0, 3.0])), 4)
    1.1547
    """
    units, index = torch.unique(pairs, return_inverse=True)
    if len(units) < 3:
        return math.nan
    with_unit = torch.zeros(len(units), dtype=torch.float64)
    num_with_unit = torch.zeros(len(units), dtype=torch.float64)
    for side in index.T:
        with_unit.index_add_(0, side, values.double())
        num_with_unit.index_add_(0, side, torch.ones(len(side), dtype=torch.float64))
    if (num_with_unit == len(values)).any():
        return math.nan
    without_unit = (values.sum() - with_unit) / (len(values) - num_with_unit)
    squares = (without_unit - without_unit.mean()).square().sum()
    return math.sqrt((len(units) - 1) / len(units) * squares.item())
