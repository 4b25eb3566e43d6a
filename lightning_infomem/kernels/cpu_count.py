"""Counts of neighbours along one axis and in the plane, for one pair of units, compiled; see `cpu_search`."""

from __future__ import annotations

import numpy as np

from lightning_infomem.kernels.cpu_search import (
    LARGE_GROUP,
    OPEN_LANES_PER_OFFSET,
    PADDING,
    Integers,
    Reals,
    compiled,
)
from lightning_infomem.kernels.cpu_vectors import (
    COUNT_STEPS,
    count_left,
    count_left_of_group,
    count_right,
    count_right_of_group,
    lowest_bit,
    num_bits,
    plane_counts,
)

__all__ = ["count_along", "count_in_plane"]


@compiled
def _edge(values: Reals, here: float, start: int, towards: int, reach: float, closed: bool, num_samples: int) -> int:
    """The first place from ``start`` on, going right (1) or left (-1), out of ``reach``; or, ``closed``, beyond it."""
    last = PADDING + num_samples if towards > 0 else PADDING - 1
    within, beyond, step = start - towards, start, 1
    while True:
        distance = abs(values[beyond] - here)
        if not (distance < reach or (closed and distance == reach)):
            break
        within = beyond
        beyond += towards * step
        step *= 2
        if (last - beyond) * towards < 0:
            beyond = last
    while abs(beyond - within) > 1:
        look = (within + beyond) >> 1
        distance = abs(values[look] - here)
        if distance < reach or (closed and distance == reach):
            within = look
        else:
            beyond = look
    return beyond


@compiled
def _count_alone(
    values: Reals,
    point: int,
    start: int,
    towards: int,
    reach: Reals,
    num_samples: int,
    strict: Integers,
    closed: Integers,
) -> None:
    """Add what lies from ``start`` on to the counts of one point."""
    edge = _edge(values, values[point], start, towards, reach[point], False, num_samples)
    strict[point] += (edge - start) * towards
    edge = _edge(values, values[point], edge, towards, reach[point], True, num_samples)
    closed[point] += (edge - start) * towards


@compiled
def _count_together(
    values: Reals,
    block: int,
    first: int,
    towards: int,
    from_edge: bool,
    reach: Reals,
    num_samples: int,
    strict: Integers,
    closed: Integers,
) -> None:
    """Add what lies to one side to the counts of a block of points; see `cpu_vectors.count_right`.

    The first neighbour of the first point is at ``first``; that of the others is, ``from_edge``, there as well.
    """
    there, offset = first, 0
    while True:
        if from_edge:
            if towards > 0:
                more = count_right_of_group(values, reach, strict, closed, block, there)
            else:
                more = count_left_of_group(values, reach, strict, closed, block, there)
        elif towards > 0:
            more = count_right(values, reach, strict, closed, block, there)
        else:
            more = count_left(values, reach, strict, closed, block, there)
        there += towards * COUNT_STEPS
        offset += COUNT_STEPS
        if num_bits(more) <= offset * OPEN_LANES_PER_OFFSET:
            break
    while more:
        lane = lowest_bit(more)
        more &= more - 1
        start = there if from_edge else there + lane
        _count_alone(values, block + lane, start, towards, reach, num_samples, strict, closed)


@compiled
def count_along(
    values: Reals,
    reach: Reals,
    num_samples: int,
    starts: Integers,
    stops: Integers,
    strict: Integers,
    right: Integers,
    left: Integers,
) -> None:
    """Count along one axis, in its own order: others nearer than ``reach``, and those not farther to both sides."""
    lanes = 64 // values.itemsize
    for block in range(PADDING, PADDING + num_samples, lanes):
        last = block + lanes - 1
        start, stop = np.int64(starts[block]), np.int64(stops[block])
        if stop - start <= LARGE_GROUP and stops[last] - starts[last] <= LARGE_GROUP:
            strict[block : block + lanes] = 0
            right[block : block + lanes] = 0
            left[block : block + lanes] = 0
            _count_together(values, block, block + 1, 1, False, reach, num_samples, strict, right)
            _count_together(values, block, block - 1, -1, False, reach, num_samples, strict, left)
            continue
        # At reach zero the strict count is wrong; such points are atoms, whose term has no strict count.
        for point in range(block, block + lanes):
            strict[point] = stops[point] - starts[point] - 1
            right[point] = stops[point] - point - 1
            left[point] = point - starts[point]
        if stop > last:
            _count_together(values, block, stop, 1, True, reach, num_samples, strict, right)
            _count_together(values, block, start - 1, -1, True, reach, num_samples, strict, left)
            continue
        for point in range(block, min(block + lanes, PADDING + num_samples)):
            _count_alone(values, point, np.int64(stops[point]), 1, reach, num_samples, strict, right)
            _count_alone(values, point, starts[point] - 1, -1, reach, num_samples, strict, left)


@compiled
def count_in_plane(x: Reals, y: Reals, point: int, start: int, stop: int, reach: float) -> tuple[int, int, int, int]:
    """Inside the ball around a point, not outside, on its boundary along x and along y, among places start..stop."""
    lanes = 64 // x.itemsize
    inside = closed = boundary_x = boundary_y = 0
    for place in range(start, stop, lanes):
        chosen = (1 << min(lanes, stop - place)) - 1
        counts = plane_counts(x, y, place, chosen, x[point], y[point], reach)
        inside += counts[0]
        closed += counts[1]
        boundary_x += counts[2]
        boundary_y += counts[3]
    # The point itself was among them.
    return inside - (reach > 0), closed - 1, boundary_x, boundary_y
