"""Triton search for the distance of every point to its k-th neighbour in the plane, for blocks of points of many pairs.

Of the two units of a pair, "x" is the one along which the search walks. A *place* is an index into the sorted values of
a unit, which have `PADDING` extra places before the first and after the last. There a sorted unit is infinite, so that
every walk ends by itself. Arrays are given by the address of place 0.

The largest group of equal values of x (the zeros of a ReLU) is special: its points are in the order of y, so that a
walk inside it ends as soon as the next point is too far along y, and skips the rest.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["PADDING", "STEPS", "align", "any_lane", "neighbor_distance"]

# Offsets taken before checking whether any lane of the block is still open.
STEPS = 4
# At least the longest unchecked step, in whole cache lines.
PADDING = 32


@triton.jit
def align(
    ordered,
    order,
    rank,
    group_start,
    group_stop,
    first,
    second,
    aligned,
    place_y,
    num_samples,
    length,
    PADDING: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """For one pair, write the values of y in the order of x, and the place of each along y.

    Samples are processed in the order of y, so those of the largest group of x end up in that order.
    """
    pair = tl.program_id(0).to(tl.int64)
    x, y = tl.load(first + pair), tl.load(second + pair)
    start, stop = tl.load(group_start + x), tl.load(group_stop + x)
    row = pair * length + PADDING
    num_dealt = tl.zeros((), tl.int32)
    block = tl.zeros((), tl.int32)
    while block < num_samples:
        place = block + tl.arange(0, BLOCK)
        is_sample = place < num_samples
        sample = tl.load(order + y * num_samples + place, mask=is_sample, other=0)
        value = tl.load(ordered + y * length + PADDING + place, mask=is_sample, other=0.0)
        place_x = tl.load(rank + x * num_samples + sample, mask=is_sample, other=0)
        in_group = (is_sample & (place_x >= start) & (place_x < stop)).to(tl.int32)
        dealt = start + num_dealt + tl.cumsum(in_group, 0) - 1
        num_dealt += tl.sum(in_group, 0)
        place_x = tl.where(in_group > 0, dealt, place_x)
        tl.store(aligned + row + place_x, value, mask=is_sample)
        tl.store(place_y + row + place_x, place, mask=is_sample)
        block += BLOCK


@triton.jit
def any_lane(lanes):
    """Whether a condition holds in any lane of the block."""
    return tl.max(lanes.to(tl.int32), 0) > 0


@triton.jit
def _insert(nearest, distance):
    """Insert a distance into the sorted smallest distances, using only minimum and maximum."""
    kept = ()
    for rank in tl.static_range(len(nearest)):
        kept = kept + (tl.minimum(nearest[rank], distance),)
        distance = tl.maximum(nearest[rank], distance)
    return kept


@triton.jit
def _step(x, y, x_here, y_here, place, is_open, nearest):
    """Compare the points with those at ``place``; also return the distance of these along x."""
    along = tl.abs(tl.load(x + place, mask=is_open, other=float("inf")) - x_here)
    across = tl.abs(tl.load(y + place, mask=is_open, other=0.0) - y_here)
    return along, _insert(nearest, tl.maximum(along, across))


@triton.jit
def neighbor_distance(x, y, block, start, stop, num_samples, K: tl.constexpr, BLOCK: tl.constexpr, STEPS: tl.constexpr):
    """Return the k-th distance of the points from place ``block`` on, and places that bound all closer points along x.

    ``start`` and ``stop`` are those of the largest group of x.
    """
    place = block + tl.arange(0, BLOCK)
    is_point = place < num_samples
    x_here = tl.load(x + place, mask=is_point, other=0.0)
    y_here = tl.load(y + place, mask=is_point, other=0.0)
    infinite = tl.full((BLOCK,), float("inf"), x_here.dtype)
    nearest = (infinite,)
    for _ in tl.static_range(K - 1):
        nearest = nearest + (infinite,)
    right, left = place + 1, place - 1
    if (block < stop) & (block + BLOCK > start):
        in_group = is_point & (place >= start) & (place < stop)
        to_right, to_left = in_group & (right < stop), in_group & (left >= start)
        while any_lane(to_right | to_left):
            across = tl.abs(tl.load(y + right, mask=to_right, other=float("inf")) - y_here)
            nearest = _insert(nearest, across)
            right += 1
            to_right = to_right & (right < stop) & (across < nearest[K - 1])
            across = tl.abs(tl.load(y + left, mask=to_left, other=float("inf")) - y_here)
            nearest = _insert(nearest, across)
            left -= 1
            to_left = to_left & (left >= start) & (across < nearest[K - 1])
        right, left = tl.where(in_group, stop, place + 1), tl.where(in_group, start - 1, place - 1)
    # A side of a point is open while its next point may be closer than the k-th.
    to_right, to_left = is_point, is_point
    go_right, go_left = any_lane(to_right), any_lane(to_left)
    while go_right | go_left:
        if go_right:
            for _ in tl.static_range(STEPS):
                along, nearest = _step(x, y, x_here, y_here, right, to_right, nearest)
                right += 1
            to_right = to_right & (along < nearest[K - 1])
        if go_left:
            for _ in tl.static_range(STEPS):
                along, nearest = _step(x, y, x_here, y_here, left, to_left, nearest)
                left -= 1
            to_left = to_left & (along < nearest[K - 1])
        go_right, go_left = any_lane(to_right), any_lane(to_left)
    return nearest[K - 1], right, left
