"""Compiled counts of neighbours along one axis and in the plane, for one pair of units; see `cpu_search`."""

from __future__ import annotations

from lightning_infomem.kernels.cpu_search import (
    LARGE_GROUP,
    OFFSETS_PER_OPEN_LANE,
    PADDING,
    Integers,
    Places,
    Reals,
    compiled,
)
from lightning_infomem.kernels.cpu_vectors import (
    COUNT_STEPS,
    count_left,
    count_left_of_group,
    count_right,
    count_right_of_group,
    count_ties,
    lowest_bit,
    num_bits,
    plane_counts,
)

__all__ = ["count_along", "count_in_plane", "edge"]


@compiled
def edge(values: Reals, point: int, start: int, towards: int, reach: float, or_equal: bool, num_samples: int) -> int:
    """First place out of ``reach`` from ``start`` on, to the right (1) or left (-1); ``or_equal``, beyond it."""
    here = values[point]
    last = PADDING + num_samples if towards > 0 else PADDING - 1
    within, beyond, step = start - towards, start, 1
    while True:
        distance = abs(values[beyond] - here)
        if not (distance < reach or (or_equal and distance == reach)):
            break
        within = beyond
        beyond += towards * step
        step *= 2
        if (last - beyond) * towards < 0:
            beyond = last
    while abs(beyond - within) > 1:
        look = (within + beyond) >> 1
        distance = abs(values[look] - here)
        if distance < reach or (or_equal and distance == reach):
            within = look
        else:
            beyond = look
    return beyond


@compiled
def _count_together(
    values: Reals,
    block: int,
    first: int,
    towards: int,
    from_edge: bool,
    reach: Reals,
    num_samples: int,
    counts: Integers,
) -> None:
    """Add neighbours on one side to the counts of a block of points; see `cpu_vectors.count_right`.

    The first neighbour of the first point is at ``first``; with ``from_edge`` it is the first neighbour of all points.
    """
    there, offset = first, 0
    while True:
        if from_edge:
            if towards > 0:
                more = count_right_of_group(values, reach, counts, block, there)
            else:
                more = count_left_of_group(values, reach, counts, block, there)
        elif towards > 0:
            more = count_right(values, reach, counts, block, there)
        else:
            more = count_left(values, reach, counts, block, there)
        there += towards * COUNT_STEPS
        offset += COUNT_STEPS
        if num_bits(more) * OFFSETS_PER_OPEN_LANE <= offset:
            break
    while more:
        lane = lowest_bit(more)
        more &= more - 1
        start = there if from_edge else there + lane
        point = block + lane
        counts[point] += (edge(values, point, start, towards, reach[point], False, num_samples) - start) * towards


@compiled
def count_along(
    values: Reals,
    reach: Reals,
    num_samples: int,
    starts: Places,
    stops: Places,
    right: Integers,
    left: Integers,
    ties: Integers,
) -> None:
    """Count others closer than ``reach`` on both sides along one axis, and those exactly at ``reach``.

    Points are in the order of the axis. At most two ``ties`` per side are counted: more than one in total means that
    the tie rule decides, which does its own counting. If ``reach`` is zero, points in large groups get the counts of
    the group.
    """
    lanes = 64 // values.itemsize
    # Here rather than per block: loading a vector right after storing its elements one by one would stall.
    right[:] = 0
    left[:] = 0
    for block in range(PADDING, PADDING + num_samples, lanes):
        last = block + lanes - 1
        start, stop = starts[block], stops[block]
        is_large = stop - start > LARGE_GROUP or stops[last] - starts[last] > LARGE_GROUP
        is_one_group = is_large and stop > last
        if is_large:
            for point in range(block, block + lanes):
                right[point] = stops[point] - point - 1
                left[point] = point - starts[point]
        for towards in (1, -1):
            counts = right if towards > 0 else left
            if is_large and not is_one_group:
                for point in range(block, min(block + lanes, PADDING + num_samples)):
                    beside = stops[point] if towards > 0 else starts[point] - 1
                    outside = edge(values, point, beside, towards, reach[point], False, num_samples)
                    counts[point] += (outside - beside) * towards
                continue
            first = block + towards
            if is_one_group:
                first = stop if towards > 0 else start - 1
            _count_together(values, block, first, towards, is_one_group, reach, num_samples, counts)
        count_ties(values, reach, right, left, ties, block)


@compiled
def count_in_plane(x: Reals, y: Reals, point: int, start: int, stop: int, reach: float) -> tuple[int, int, int, int]:
    """Count points inside the ball, not outside, and on its boundary along x and y, among places start..stop."""
    lanes = 64 // x.itemsize
    inside = closed = boundary_x = boundary_y = 0
    for place in range(start, stop, lanes):
        chosen = (1 << min(lanes, stop - place)) - 1
        counts = plane_counts(x, y, place, chosen, x[point], y[point], reach)
        inside += counts[0]
        closed += counts[1]
        boundary_x += counts[2]
        boundary_y += counts[3]
    # Exclude the point itself.
    return inside - (reach > 0), closed - 1, boundary_x, boundary_y
