"""Triton kernels for neighbour counts and the digamma term of every point, for blocks of points of many pairs.

See `cuda_search` for places and groups, and `tie_rule` for the rule.
"""

from __future__ import annotations

import triton
import triton.language as tl

from lightning_infomem.kernels.cuda_search import any_lane, neighbor_distance

__all__ = ["add_up", "point_terms"]

# Cost of a place along y relative to one along x, where neighbours are consecutive in memory.
_COST_ALONG_Y = tl.constexpr(4)


@triton.jit
def _edge(values, here, within, beyond, reach, is_asked, OR_EQUAL: tl.constexpr):
    """Find the first place out of reach by bisection between ``within`` and ``beyond``, on either side.

    It compares the difference itself, as the search does: a sum would round differently.
    """
    while any_lane(is_asked & (tl.abs(beyond - within) > 1)):
        middle = (within + beyond) >> 1
        is_between = is_asked & (middle != within) & (middle != beyond)
        distance = tl.abs(tl.load(values + middle, mask=is_between, other=0.0) - here)
        is_within = distance < reach
        if OR_EQUAL:
            is_within = distance <= reach
        within = tl.where(is_between & is_within, middle, within)
        beyond = tl.where(is_between & (is_within == 0), middle, beyond)
    return beyond


@triton.jit
def _ties(values, here, right, left, reach, is_point):
    """Number of points exactly at ``reach`` among two places beyond each edge: enough to detect more than one."""
    infinite = float("inf")
    num_ties = (tl.abs(tl.load(values + right, mask=is_point, other=infinite) - here) == reach).to(tl.int32)
    num_ties += (tl.abs(tl.load(values + right + 1, mask=is_point, other=infinite) - here) == reach).to(tl.int32)
    num_ties += (tl.abs(tl.load(values + left, mask=is_point, other=infinite) - here) == reach).to(tl.int32)
    num_ties += (tl.abs(tl.load(values + left - 1, mask=is_point, other=infinite) - here) == reach).to(tl.int32)
    return num_ties


@triton.jit
def _count(counts, distance_x, distance_y, reach, is_open):
    """Add one point to the counts inside, not outside, and on the boundary along x and along y."""
    inside, closed, boundary_x, boundary_y = counts
    distance = tl.maximum(distance_x, distance_y)
    is_closed = is_open & (distance <= reach)
    return (
        inside + (is_open & (distance < reach)).to(tl.int32),
        closed + is_closed.to(tl.int32),
        boundary_x + (is_closed & (distance_x == reach)).to(tl.int32),
        boundary_y + (is_closed & (distance_y == reach)).to(tl.int32),
    )


@triton.jit
def _digamma(argument):
    """Digamma of float64 numbers of at least 1: nine steps up, then the asymptotic series."""
    correction = tl.zeros_like(argument)
    for _ in tl.static_range(9):
        correction += 1.0 / argument
        argument += 1.0
    inverse = 1.0 / argument
    square = inverse * inverse
    series = square * (
        1 / 12
        - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square * (1 / 132 - square * (691 / 32760)))))
    )
    return tl.log(argument) - 0.5 * inverse - series - correction


@triton.jit
def _axis_term(strict, closed, boundary, share, low, high):
    tied_alone = (closed - strict - boundary).to(tl.float64)
    count = strict + share * boundary + 1.0
    return 0.5 * (_digamma(count + low * tied_alone) + _digamma(count + high * tied_alone))


@triton.jit
def _tied_terms(strict_x, closed_x, strict_y, closed_y, inside, closed, boundary_x, boundary_y, K: tl.constexpr):
    """Compute `tie_rule.tied_terms`; meaningless, but finite, for a point with an empty boundary."""
    num_boundary = tl.maximum(closed - inside, 1).to(tl.float64)
    position = tl.maximum(K - inside, 1).to(tl.float64)
    mean = tl.minimum(position / (num_boundary + 1.0), 1.0)
    deviation = tl.sqrt(mean * (1.0 - mean) / (num_boundary + 2.0))
    low, high = tl.maximum(mean - deviation, 0.0), tl.minimum(mean + deviation, 1.0)
    share = (position - 1.0) / num_boundary
    return _axis_term(strict_x, closed_x, boundary_x, share, low, high) + _axis_term(
        strict_y, closed_y, boundary_y, share, low, high
    )


@triton.jit
def point_terms(
    columns,
    ordered,
    order,
    group_start,
    group_stop,
    first,
    second,
    aligned,
    place_y,
    digamma_above,
    sums,
    num_samples,
    length,
    num_blocks,
    K: tl.constexpr,
    PADDING: tl.constexpr,
    BLOCK: tl.constexpr,
    STEPS: tl.constexpr,
):
    """Sum of the terms of one block of points of one pair."""
    infinite = float("inf")
    program = tl.program_id(0).to(tl.int64)
    pair, block = program // num_blocks, (program % num_blocks).to(tl.int32) * BLOCK
    unit_x, unit_y = tl.load(first + pair), tl.load(second + pair)
    x, sorted_y = ordered + unit_x * length + PADDING, ordered + unit_y * length + PADDING
    y = aligned + pair * length + PADDING
    start, stop = tl.load(group_start + unit_x), tl.load(group_stop + unit_x)
    reach, beyond_right, beyond_left = neighbor_distance(x, y, block, start, stop, num_samples, K, BLOCK, STEPS)

    place = block + tl.arange(0, BLOCK)
    is_point = place < num_samples
    x_here = tl.load(x + place, mask=is_point, other=0.0)
    y_here = tl.load(y + place, mask=is_point, other=0.0)
    at_y = tl.load(place_y + pair * length + PADDING + place, mask=is_point, other=0)
    last, before = tl.full((BLOCK,), 0, tl.int32) + num_samples, tl.full((BLOCK,), -1, tl.int32)
    right_x = _edge(x, x_here, place, tl.minimum(beyond_right, last), reach, is_point, False)
    left_x = _edge(x, x_here, place, tl.maximum(beyond_left, before), reach, is_point, False)
    right_y = _edge(sorted_y, y_here, at_y, last, reach, is_point, False)
    left_y = _edge(sorted_y, y_here, at_y, before, reach, is_point, False)
    # Exclude the two edges and the point itself. Padding lanes request nothing.
    strict_x = tl.where(is_point, right_x - left_x - 2, 0)
    strict_y = tl.where(is_point, right_y - left_y - 2, 0)
    terms = tl.load(digamma_above + strict_x) + tl.load(digamma_above + strict_y)

    num_ties = _ties(x, x_here, right_x, left_x, reach, is_point)
    num_ties += _ties(sorted_y, y_here, right_y, left_y, reach, is_point)
    is_tied = is_point & ((num_ties != 1) | (reach == 0))
    if any_lane(is_tied):
        # For zero reach the strict edges above are one place away, within the closed ones.
        right_x = _edge(x, x_here, right_x - 1, last, reach, is_tied, True)
        left_x = _edge(x, x_here, left_x + 1, before, reach, is_tied, True)
        right_y = _edge(sorted_y, y_here, right_y - 1, last, reach, is_tied, True)
        left_y = _edge(sorted_y, y_here, left_y + 1, before, reach, is_tied, True)
        closed_x = tl.where(is_tied, right_x - left_x - 2, 0)
        closed_y = tl.where(is_tied, right_y - left_y - 2, 0)
        is_atom = is_tied & (reach == 0)
        # The points of an atom inside the group of x are consecutive, so bisection along y finds them.
        is_found = is_atom & (place >= start) & (place < stop)
        after = _edge(y, y_here, place, tl.where(is_found, stop, place + 1), reach, is_found, True)
        ahead = _edge(y, y_here, place, tl.where(is_found, start - 1, place - 1), reach, is_found, True)
        # All others are counted along the axis with fewer candidates, including the point itself.
        along_x = is_tied & (is_found == 0) & (closed_x <= closed_y * _COST_ALONG_Y)
        along_y = is_tied & (is_found == 0) & (along_x == 0)
        none = tl.zeros((BLOCK,), tl.int32)
        counts = (none, none, none, none)
        look = left_x + 1
        is_open = along_x & (look < right_x)
        while any_lane(is_open):
            distance_x = tl.abs(tl.load(x + look, mask=is_open, other=infinite) - x_here)
            distance_y = tl.abs(tl.load(y + look, mask=is_open, other=infinite) - y_here)
            counts = _count(counts, distance_x, distance_y, reach, is_open)
            look += 1
            is_open = is_open & (look < right_x)
        look = left_y + 1
        is_open = along_y & (look < right_y)
        column_x, order_y = columns + unit_x * num_samples, order + unit_y * num_samples
        while any_lane(is_open):
            sample = tl.load(order_y + look, mask=is_open, other=0)
            distance_x = tl.abs(tl.load(column_x + sample, mask=is_open, other=infinite) - x_here)
            distance_y = tl.abs(tl.load(sorted_y + look, mask=is_open, other=infinite) - y_here)
            counts = _count(counts, distance_x, distance_y, reach, is_open)
            look += 1
            is_open = is_open & (look < right_y)
        inside, closed, boundary_x, boundary_y = counts
        inside -= (reach > 0).to(tl.int32)  # the point itself
        closed = tl.where(is_found, after - ahead - 1, closed) - 1
        tied = _tied_terms(strict_x, closed_x, strict_y, closed_y, inside, closed, boundary_x, boundary_y, K)
        atom = tl.load(digamma_above + closed_x) + tl.load(digamma_above + closed_y)
        atom += tl.load(digamma_above + K - 1) - tl.load(digamma_above + tl.maximum(closed, 0))
        terms = tl.where(is_tied, tl.where(is_atom, atom, tied), terms)
    tl.store(sums + program, tl.sum(tl.where(is_point, terms, 0.0), 0))


@triton.jit
def add_up(sums, terms, num_pairs, num_samples, num_blocks, BLOCK: tl.constexpr):
    """Mean over all blocks of each pair, added in block order whatever the number of pairs."""
    pair = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_pair = pair < num_pairs
    total = tl.zeros((BLOCK,), tl.float64)
    block = tl.zeros((), tl.int32)
    while block < num_blocks:
        total += tl.load(sums + pair * num_blocks + block, mask=is_pair, other=0.0)
        block += 1
    tl.store(terms + pair, total / num_samples, mask=is_pair)
