"""Compiled search for the distance of every point to its k-th neighbour in the plane, for one pair of units.

Of the two units of a pair, "x" is the one along which the search walks. Arrays with one value per point are in the
order of x and have `PADDING` places at both ends; a *place* is an index into such an array, including the padding. In
the padding x is infinite, so every walk ends there by itself.

A *group* is a run of equal values; ``starts`` and ``stops`` give its first place and the one after its last for each
place in it. Walking through a large group (the zeros of a ReLU) step by step would cost each point time proportional
to its size. The points of a large group of x must therefore be in the order of y, and a walk looks only at the part of
a group that is close along y.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_infomem.kernels.cpu_vectors import (
    SEARCH_STEPS,
    lowest_bit,
    mask_closer,
    num_bits,
    search_both,
    search_left,
    search_right,
)

__all__ = [
    "LARGE_GROUP",
    "OFFSETS_PER_OPEN_LANE",
    "OPTIONS",
    "PADDING",
    "Integers",
    "Places",
    "Reals",
    "compiled",
    "neighbor_distances",
]

Reals: TypeAlias = "NDArray[np.floating[Any]]"
Integers: TypeAlias = "NDArray[np.int32]"
Places: TypeAlias = "NDArray[np.int64]"
Function = TypeVar("Function", bound=Callable[..., Any])

# Longer than the longest unchecked step: one vector plus the offsets of one call.
PADDING = 64
# Larger groups are skipped.
LARGE_GROUP = 48
# A block of points walks together until it has taken this many offsets for every lane still open.
OFFSETS_PER_OPEN_LANE = 64
# A block that touches a large group walks no further than this before its points continue one by one.
_OFFSETS_IN_GROUP = 16
_LEFT_LANES = 16  # bits between the masks of the two sides in the result of `search_both`

# No reference counting, which would cost more than a short walk; all arrays are passed in from outside.
# Not cached on disk: everything is compiled into the one cached function in `cpu_pairs`.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "_nrt": False}
_INSIDE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **OPTIONS}


def compiled(function: Function) -> Function:
    """Compile a function that only compiled functions call."""
    return cast(Function, njit(**_INSIDE)(function))


@compiled
def _keep(nearest: Reals, distance: float) -> None:
    """Insert a distance smaller than the last one into the sorted smallest distances."""
    rank = nearest.size - 1
    while rank > 0 and nearest[rank - 1] > distance:
        nearest[rank] = nearest[rank - 1]
        rank -= 1
    nearest[rank] = distance


@compiled
def _keep_closer(x: Reals, y: Reals, point: int, start: int, length: int, nearest: Reals) -> None:
    """Keep the distances from a point to the ``length`` points from ``start`` on, at most one vector of them."""
    x_here, y_here = x[point], y[point]
    closer = mask_closer(x, y, start, x_here, y_here, nearest[-1]) & ((1 << length) - 1)
    while closer:
        other = start + lowest_bit(closer)
        closer &= closer - 1
        distance = max(abs(x[other] - x_here), abs(y[other] - y_here))
        if distance < nearest[-1]:
            _keep(nearest, distance)


@compiled
def _keep_closer_of_group(x: Reals, y: Reals, point: int, start: int, stop: int, nearest: Reals) -> None:
    """Keep the distances to places ``start`` to ``stop``, which share one value of x and are in the order of y."""
    lanes = 64 // x.itemsize
    y_here = y[point]
    if y[start] >= y_here:
        middle = start
    elif y[stop - 1] <= y_here:
        middle = stop
    else:
        low, middle = start, stop
        while middle - low > 1:
            look = (low + middle) >> 1
            if y[look] < y_here:
                low = look
            else:
                middle = look
    right = left = middle
    while right < stop and y[right] - y_here < nearest[-1]:
        length = min(lanes, stop - right)
        _keep_closer(x, y, point, right, length, nearest)
        right += length
    while left > start and y_here - y[left - 1] < nearest[-1]:
        length = min(lanes, left - start)
        left -= length
        _keep_closer(x, y, point, left, length, nearest)


@compiled
def _search_alone(
    x: Reals, y: Reals, point: int, right: int, left: int, starts: Places, stops: Places, nearest: Reals
) -> None:
    """Continue the walk for one point from the places ``right`` and ``left``, the next to look at."""
    lanes = 64 // x.itemsize
    x_here = x[point]
    go_right = go_left = True
    while go_right or go_left:
        go_right = x[right] - x_here < nearest[-1]
        if go_right:
            if stops[right] - starts[right] > LARGE_GROUP:
                _keep_closer_of_group(x, y, point, right, stops[right], nearest)
                right = stops[right]
            else:
                _keep_closer(x, y, point, right, lanes, nearest)
                right += lanes
        go_left = x_here - x[left] < nearest[-1]
        if go_left:
            if stops[left] - starts[left] > LARGE_GROUP:
                _keep_closer_of_group(x, y, point, starts[left], left + 1, nearest)
                left = starts[left] - 1
            else:
                _keep_closer(x, y, point, left - lanes + 1, lanes, nearest)
                left -= lanes


@compiled
def neighbor_distances(
    slots: tuple[int, ...],
    x: Reals,
    y: Reals,
    num_samples: int,
    starts: Places,
    stops: Places,
    together: Reals,
    alone: Reals,
    kth: Reals,
) -> None:
    """Write the distance of every point to its k-th neighbour in the plane into ``kth``; k is the number of ``slots``.

    ``together`` and ``alone`` are buffers for the k smallest distances of a vector of points and of one point.
    """
    lanes = 64 // x.itemsize
    neighbors = len(slots)
    to_right = (1 << _LEFT_LANES) - 1
    for block in range(PADDING, PADDING + num_samples, lanes):
        for slot in range(neighbors * lanes):
            together[slot] = np.inf
        longest = num_samples
        if stops[block] - starts[block] > LARGE_GROUP or (
            stops[block + lanes - 1] - starts[block + lanes - 1] > LARGE_GROUP
        ):
            longest = _OFFSETS_IN_GROUP
        right = left = 1
        is_open = search_both(slots, x, y, block, right, together)
        right += SEARCH_STEPS
        left += SEARCH_STEPS
        while right <= longest and num_bits(is_open) * OFFSETS_PER_OPEN_LANE > right:
            if is_open <= to_right:
                is_open = search_right(slots, x, y, block, right, together)
                right += SEARCH_STEPS
            elif is_open & to_right == 0:
                is_open = search_left(slots, x, y, block, left, together)
                left += SEARCH_STEPS
            else:
                is_open = search_both(slots, x, y, block, right, together)
                right += SEARCH_STEPS
                left += SEARCH_STEPS
        for lane in range(lanes):
            kth[block + lane] = together[(neighbors - 1) * lanes + lane]
        is_open = (is_open | is_open >> _LEFT_LANES) & to_right
        while is_open:
            lane = lowest_bit(is_open)
            is_open &= is_open - 1
            for rank in range(neighbors):
                alone[rank] = together[rank * lanes + lane]
            _search_alone(x, y, block + lane, block + lane + right, block + lane - left, starts, stops, alone)
            kth[block + lane] = alone[neighbors - 1]
    # There are no points beyond the last one: counts there must end at once.
    for place in range(PADDING + num_samples, len(kth)):
        kth[place] = 0
