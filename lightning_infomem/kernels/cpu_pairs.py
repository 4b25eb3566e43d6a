"""The mean digamma terms of pairs of units, compiled and kept on disk.

numba looks at the date of this file alone to see whether what it kept is out of date: whoever changes `cpu_vectors`,
`cpu_search`, `cpu_count` or `cpu_tie_rule` must touch this file.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_infomem.kernels.cpu_count import count_along, count_in_plane
from lightning_infomem.kernels.cpu_search import (
    LARGE_GROUP,
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
    """For each place of a sorted unit, where the run of equal values around it starts and where it stops.

    Of units that are not grouped nobody asks for the runs, and every place is taken for one of its own.
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
    """Samples in the order of x, and within its groups in the order of y: deal them out in the order of y."""
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
    """`count_in_plane` for places start..stop in the order of y; here ``x`` is in the order of samples."""
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


# A place along y costs that many along x, where neighbours are consecutive in memory and counted by vectors.
_COST_ALONG_Y = 8


@njit(cache=True, error_model="numpy", nogil=True)
def mean_terms_of_pairs(
    slots: tuple[int, ...],
    columns: Reals,
    ordered: Reals,
    order: Integers,
    rank: Integers,
    is_grouped: NDArray[np.bool_],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    digamma_above: NDArray[np.float64],
    terms: NDArray[np.float64],
) -> None:
    """Mean over points of ``psi(n_x + 1) + psi(n_y + 1)`` for each pair, ties included, into ``terms``.

    Args:
        slots: as many numbers as neighbours: k must be part of the type, so that the insertion is compiled for it.
        columns: ``[units, samples]``.
        ordered: ``[units, padding + samples + padding]``, the same sorted, infinite in the padding.
        order: ``[units, samples]``, the sample at each place of the sorted unit.
        rank: ``[units, samples]``, its inverse.
        is_grouped: ``[units]``, whether the unit has a large group of equal values.
        first: ``[pairs]``, index of the one unit.
        second: ``[pairs]``, index of the other.
        digamma_above: ``[samples + 1]``, ``psi(n + 1)``.
        terms: ``[pairs]``, the result.
    """
    neighbors = len(slots)
    num_samples = columns.shape[1]
    length = ordered.shape[1]
    reals = np.zeros((3, length), columns.dtype)
    y, kth, reach_y = reals[0], reals[1], reals[2]
    counts = np.zeros((6, length), np.int32)
    strict_x, right_x, left_x = counts[0], counts[1], counts[2]
    strict_y, right_y, left_y = counts[3], counts[4], counts[5]
    places = np.zeros((6, length), np.int64)
    starts_x, stops_x, starts_y, stops_y = places[0], places[1], places[2], places[3]
    next_place, place_y = places[4], places[5]
    dealt = np.empty(num_samples, np.int32)
    known_x = -1
    for pair in range(len(first)):
        # Walk along the unit without large groups, if one is; and so that (a, b) and (b, a) are the same.
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
        for at in range(num_samples):
            sample = sample_at[at]
            y[PADDING + at] = columns[unit_y, sample]
            place_y[PADDING + at] = PADDING + rank[unit_y, sample]
        neighbor_distances(slots, x, y, num_samples, starts_x, stops_x, kth)
        for place in range(PADDING, PADDING + num_samples):
            reach_y[place_y[place]] = kth[place]
        count_along(x, kth, num_samples, starts_x, stops_x, strict_x, right_x, left_x)
        count_along(sorted_y, reach_y, num_samples, starts_y, stops_y, strict_y, right_y, left_y)
        total = term = 0.0
        for place in range(PADDING, PADDING + num_samples):
            at_y, reach = place_y[place], kth[place]
            closed_x = right_x[place] + left_x[place]
            closed_y = right_y[at_y] + left_y[at_y]
            x_counts = strict_x[place], closed_x
            y_counts = strict_y[at_y], closed_y
            if closed_x + closed_y - strict_x[place] - strict_y[at_y] == 1 and reach > 0:
                total += digamma_above[strict_x[place]] + digamma_above[strict_y[at_y]]
                continue
            start, stop = place - left_x[place], place + right_x[place] + 1
            if reach > 0:
                if closed_x <= closed_y * _COST_ALONG_Y:
                    plane = count_in_plane(x, y, place, start, stop, reach)
                else:
                    start, stop = at_y - left_y[at_y], at_y + right_y[at_y] + 1
                    plane = _count_along_y(
                        columns[unit_x], sorted_y, order[unit_y], x[place], y[place], start, stop, reach
                    )
                total += tied_term(x_counts, y_counts, plane, neighbors, digamma_above)
                continue
            # An atom: all of its points have the same term, and in a large group they follow one another.
            if stop - start <= LARGE_GROUP:
                num_same = count_in_plane(x, y, place, start, stop, reach)[1]
                term = atom_term(closed_x, closed_y, num_same, neighbors, digamma_above)
            elif place == start or y[place] != y[place - 1]:
                num_same = 0
                while place + num_same + 1 < stop and y[place + num_same + 1] == y[place]:
                    num_same += 1
                term = atom_term(closed_x, closed_y, num_same, neighbors, digamma_above)
            total += term
        terms[pair] = total / num_samples
