"""Mean digamma terms of pairs of units, compiled and kept on disk."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_infomem.kernels.cpu_count import count_along, count_in_plane, edge
from lightning_infomem.kernels.cpu_search import (
    LARGE_GROUP,
    OPTIONS,
    PADDING,
    Integers,
    Places,
    Reals,
    compiled,
    neighbor_distances,
)
from lightning_infomem.kernels.cpu_tie_rule import atom_term, tied_term

__all__ = ["mean_terms_of_pairs"]


@compiled
def _find_groups(values: Reals, num_samples: int, is_grouped: bool, starts: Places, stops: Places) -> None:
    """Find where the run of equal values around each place of a sorted unit starts and stops.

    For ungrouped units the runs are not needed, and every place counts as its own run.
    """
    for place in range(len(values)):
        starts[place] = place
        stops[place] = place + 1
    if not is_grouped:
        return
    start = PADDING
    for place in range(PADDING + 1, PADDING + num_samples + 1):
        if values[place] != values[start]:
            for member in range(start, place):
                starts[member] = start
                stops[member] = place
            start = place


@compiled
def _order_by_group(
    order_y: Integers, rank_x: Integers, starts: Places, next_place: Places, sample_at: Integers
) -> None:
    """List the samples in the order of x, and within groups of x in the order of y."""
    for place in range(len(starts)):
        next_place[place] = starts[place]
    for sample in order_y:
        group = starts[PADDING + rank_x[sample]]
        sample_at[next_place[group] - PADDING] = sample
        next_place[group] += 1


@compiled
def _count_along_y(
    x: Reals, y: Reals, order: Integers, x_here: float, y_here: float, start: int, stop: int, reach: float
) -> tuple[int, int, int, int]:
    """Do the same as `count_in_plane` for places start..stop in the order of y; ``x`` is in the order of samples."""
    inside = closed = boundary_x = boundary_y = 0
    for place in range(start, stop):
        along_x = abs(x[order[place - PADDING]] - x_here)
        if along_x <= reach:
            along_y = abs(y[place] - y_here)
            closed += 1
            inside += max(along_x, along_y) < reach
            boundary_x += along_x == reach
            boundary_y += along_y == reach
    return inside - (reach > 0), closed - 1, boundary_x, boundary_y


@compiled
def _closed_window(values: Reals, point: int, right: int, left: int, reach: float, num_samples: int) -> tuple[int, int]:
    """Return where the places within ``reach`` start and stop, given how many are closer on both sides."""
    start = edge(values, point, point - left - 1, -1, reach, True, num_samples) + 1
    return start, edge(values, point, point + right + 1, 1, reach, True, num_samples)


# Sums of this many terms are added separately, so that rounding errors of thousands of equal terms do not accumulate.
_TERMS_ADDED_UP = 256
# Cost of a place along y relative to one along x, where neighbours are consecutive in memory and counted by vectors.
_COST_ALONG_Y = 8


@compiled
def _mean_terms(
    slots: tuple[int, ...],
    columns: Reals,
    ordered: Reals,
    order: Integers,
    rank: Integers,
    is_grouped: NDArray[np.bool_],
    first: Places,
    second: Places,
    digamma_above: NDArray[np.float64],
    nearest: Reals,
    reals: Reals,
    counts: Integers,
    places: Places,
    terms: NDArray[np.float64],
) -> None:
    neighbors = len(slots)
    num_samples = columns.shape[1]
    y, kth, reach_y = reals[0], reals[1], reals[2]
    right_x, left_x, ties_x = counts[0], counts[1], counts[2]
    right_y, left_y, ties_y = counts[3], counts[4], counts[5]
    dealt = counts[6]
    starts_x, stops_x, starts_y, stops_y = places[0], places[1], places[2], places[3]
    # Unsigned indices need no check for negative values, which matters in these loops.
    next_place, place_y = places[4], places[5].view(np.uint64)
    together, alone = nearest[neighbors:], nearest[:neighbors]
    known_x = -1
    for pair in range(len(first)):
        # Search along a unit without large groups if there is one; this also makes (a, b) and (b, a) identical.
        unit_x, unit_y = first[pair], second[pair]
        if (is_grouped[unit_x], unit_x) > (is_grouped[unit_y], unit_y):
            unit_x, unit_y = unit_y, unit_x
        x, sorted_y = ordered[unit_x], ordered[unit_y]
        if unit_x != known_x:
            _find_groups(x, num_samples, is_grouped[unit_x], starts_x, stops_x)
            known_x = unit_x
        _find_groups(sorted_y, num_samples, is_grouped[unit_y], starts_y, stops_y)
        sample_at = order[unit_x]
        if is_grouped[unit_x]:
            _order_by_group(order[unit_y], rank[unit_x], starts_x, next_place, dealt)
            sample_at = dealt
        column_y, rank_y = columns[unit_y], rank[unit_y]
        for at in range(num_samples):
            sample = np.uint32(sample_at[at])
            y[PADDING + at] = column_y[sample]
            place_y[PADDING + at] = PADDING + rank_y[sample]
        neighbor_distances(slots, x, y, num_samples, starts_x, stops_x, together, alone, kth)
        for place in range(PADDING, PADDING + num_samples):
            reach_y[place_y[place]] = kth[place]
        count_along(x, kth, num_samples, starts_x, stops_x, right_x, left_x, ties_x)
        count_along(sorted_y, reach_y, num_samples, starts_y, stops_y, right_y, left_y, ties_y)
        total = subtotal = term = 0.0
        for place in range(PADDING, PADDING + num_samples):
            if place & (_TERMS_ADDED_UP - 1) == 0:
                total += subtotal
                subtotal = 0.0
            at_y, reach = place_y[place], kth[place]
            strict_x, strict_y = np.uint32(right_x[place] + left_x[place]), np.uint32(right_y[at_y] + left_y[at_y])
            if reach > 0 and ties_x[place] + ties_y[at_y] == 1:
                subtotal += digamma_above[strict_x] + digamma_above[strict_y]
                continue
            if reach == 0 and place > PADDING and x[place] == x[place - 1] and y[place] == y[place - 1]:
                subtotal += term  # of the same atom
                continue
            start, stop = _closed_window(x, place, right_x[place], left_x[place], reach, num_samples)
            start_y, stop_y = _closed_window(sorted_y, at_y, right_y[at_y], left_y[at_y], reach, num_samples)
            closed_x, closed_y = stop - start - 1, stop_y - start_y - 1
            x_counts, y_counts = (int(strict_x), closed_x), (int(strict_y), closed_y)
            if reach > 0:
                if closed_x <= closed_y * _COST_ALONG_Y:
                    plane = count_in_plane(x, y, place, start, stop, reach)
                else:
                    plane = _count_along_y(
                        columns[unit_x], sorted_y, order[unit_y], x[place], y[place], start_y, stop_y, reach
                    )
                subtotal += tied_term(x_counts, y_counts, plane, neighbors, digamma_above)
                continue
            # An atom. In a large group of x its points are consecutive, and all have the same term.
            num_same = 0
            if stop - start <= LARGE_GROUP:
                num_same = count_in_plane(x, y, place, start, stop, reach)[1]
            else:
                while place + num_same + 1 < stop and y[place + num_same + 1] == y[place]:
                    num_same += 1
            term = atom_term(closed_x, closed_y, num_same, neighbors, digamma_above)
            subtotal += term
        terms[pair] = (total + subtotal) / num_samples


# All files that are compiled into the search.
_FILES = ("cpu_vectors", "cpu_search", "cpu_count", "cpu_tie_rule", "cpu_pairs")


def mean_terms_of_pairs(*, kept_on_disk: bool) -> Callable[..., None]:
    """Return the compiled search: the mean over points of ``psi(n_x + 1) + psi(n_y + 1)`` for each pair, with ties.

    Its arguments, in this order; all but the first are arrays:

    ===============  ===================================================================================================
    slots            tuple with one number per neighbour: its type contains k, so the insertion is compiled for k
    columns          ``[units, samples]``
    ordered          ``[units, padding + samples + padding]``, sorted values, infinite in the padding
    order            int32 ``[units, samples]``, the sample at each place of the sorted unit
    rank             int32 ``[units, samples]``, its inverse
    is_grouped       bool ``[units]``, whether the unit has a large group of equal values
    first, second    int64 ``[pairs]``, indices of the units
    digamma_above    float64 ``[samples + 1]``, ``psi(n + 1)``
    nearest          room for 17 k distances
    reals            room, ``[3, padding + samples + padding]``, zeros
    counts           room, int32 ``[7, padding + samples + padding]``
    places           room, int64 ``[6, padding + samples + padding]``
    terms            float64 ``[pairs]``, the result
    ===============  ===================================================================================================
    """
    # To see whether its cache is out of date, numba checks only the text of this file and the values that the cached
    # function closes over. The checksum covers the other files.
    sources = zlib.crc32(b"".join(Path(__file__).with_name(f"{name}.py").read_bytes() for name in _FILES)) | 1

    def search(*arguments: Any) -> None:
        if sources:
            _mean_terms(*arguments)

    return cast(Callable[..., None], njit(cache=kept_on_disk, **OPTIONS)(search))
