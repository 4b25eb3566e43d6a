"""Find and count neighbours for pairs of units in plain torch: portable, and the specification of the fast kernels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

import torch
from torch import Tensor

from lightning_infomem.kernels.tie_rule import NeighborCounts, atom_terms, tied_terms

__all__ = ["mean_terms"]

# Indices (pair, sample) of some points of a chunk.
Points: TypeAlias = "tuple[Tensor, Tensor]"

# Number of tensors [pairs, samples] with 8-byte elements that are alive at the same time in `_point_terms`.
_LIVE_TENSORS = 24
# On a CPU a chunk should stay in the second-level cache; larger chunks would be slower.
_CPU_CHUNK_ELEMENTS = 1 << 17
# With at most this many open points per pair and step taken, it is cheaper to compare them with all others.
_OPEN_POINTS_PER_STEP = 0.3


def mean_terms(columns: Tensor, first: Tensor, second: Tensor, *, neighbors: int, memory_limit: int) -> Tensor:
    """Compute the mean over points of ``psi(n_x + 1) + psi(n_y + 1)`` for pairs of units, with ties.

    The search walks outward from each point along the sorted values of the first unit, one offset at a time for all
    points and pairs of a chunk, until no further point can be closer than the k-th distance found.

    Args:
        columns: ``[units, samples]``, float32 or float64, standardised and finite. Distances are computed in this
            precision.
        first: int64 ``[pairs]``, index of the first unit of each pair.
        second: int64 ``[pairs]``, index of the second unit.
        neighbors: k, less than the number of samples.
        memory_limit: Bytes for the temporary tensors of one chunk of pairs. A chunk holds at least one pair.

    Returns:
        float64 ``[pairs]``, nats, the same for any chunk size.

    Cost: time about ``pairs * samples**1.5``, ``pairs * samples**2`` for heavily tied data; memory ``memory_limit``.
    """
    num_samples = columns.shape[1]
    chunk = max(1, memory_limit // (_LIVE_TENSORS * 8 * num_samples))
    if columns.device.type == "cpu":
        chunk = min(chunk, max(1, _CPU_CHUNK_ELEMENTS // num_samples))
    units = _Axis.of_columns(columns)
    result = torch.empty(len(first), dtype=torch.float64, device=columns.device)
    for start in range(0, len(first), chunk):
        x, y = units[first[start : start + chunk]], units[second[start : start + chunk]]
        distance = _neighbor_distances(x, y, neighbors, memory_limit)
        result[start : start + chunk] = _point_terms(x, y, distance, neighbors, memory_limit).mean(1)
    return result


class _Axis:
    """Values of one unit per row, in the order of samples and sorted. Every tensor is ``[rows, samples]``."""

    def __init__(self, values: Tensor, ordered: Tensor, order: Tensor, rank: Tensor, group: Tensor) -> None:
        self.values, self.ordered, self.order, self.rank = values, ordered, order, rank
        self.group = group  # place of the first sample with the same value, which identifies the value
        self.num_samples = values.shape[1]
        # Two infinite places at both ends: places beyond the last sample are infinitely far away.
        self._padded = torch.nn.functional.pad(ordered, (2, 2), value=math.inf)
        self._padded[:, :2] = -math.inf

    @classmethod
    def of_columns(cls, columns: Tensor) -> _Axis:
        ordered, order = torch.sort(columns, dim=1, stable=True)
        return cls(columns, ordered, order, torch.argsort(order, dim=1), torch.searchsorted(ordered, columns))

    def __getitem__(self, rows: Tensor) -> _Axis:
        return _Axis(self.values[rows], self.ordered[rows], self.order[rows], self.rank[rows], self.group[rows])

    def group_size(self) -> Tensor:
        """Return how many samples have the same value as each sample, itself included."""
        return torch.searchsorted(self.ordered, self.values, right=True) - self.group

    def gap(self, index: Tensor, at: Points | None = None) -> Tensor:
        """Return the distance along this axis from the points to the places ``index`` in sorted order."""
        if at is None:
            return (self._padded.gather(1, index + 2) - self.values).abs_()
        return (self._padded[at[0], index + 2] - self.values[at]).abs_()

    def strict_window(self, distance: Tensor) -> tuple[Tensor, Tensor]:
        """Return, for every point, the nearest places to its left and right that are at least ``distance`` away.

        For a distance of zero there is no such window, and the result is meaningless.
        """
        right = torch.searchsorted(self.ordered, self.values + distance)
        left = torch.searchsorted(self.ordered, self.values - distance, right=True) - 1
        # A sum rounds differently from the difference that the search compares: find wrong places, and bisect again.
        wrong = (self.gap(left) < distance) | (self.gap(left + 1) >= distance)
        wrong |= (self.gap(right) < distance) | (self.gap(right - 1) >= distance)
        at = _indices(wrong & (distance > 0))
        left[at], right[at] = self.window(distance[at], at, closed=False)
        return left, right

    def window(self, distance: Tensor, at: Points, *, closed: bool) -> tuple[Tensor, Tensor]:
        """Do the same for some points, exactly, by bisection on the difference; ``closed`` includes equal distances."""
        rank = self.rank[at]
        reaches = torch.le if closed else torch.lt
        low, high = rank, torch.full_like(rank, self.num_samples)
        left, right = torch.full_like(rank, -1), rank
        for _ in range(self.num_samples.bit_length()):
            middle = (low + high) >> 1
            within = reaches(self.gap(middle, at), distance)
            low, high = torch.where(within, middle, low), torch.where(within, high, middle)
            middle = (left + right + 1) >> 1
            within = reaches(self.gap(middle, at), distance)
            left, right = torch.where(within, left, middle), torch.where(within, middle, right)
        return left, high


def _point_terms(x: _Axis, y: _Axis, distance: Tensor, neighbors: int, memory_limit: int) -> Tensor:
    """Compute the digamma term of every point from the distance to its k-th neighbour; ``[pairs, samples]``."""
    digamma = torch.digamma(torch.arange(1, x.num_samples + 1, dtype=torch.float64, device=distance.device))
    terms = torch.zeros_like(distance, dtype=torch.float64)
    num_boundary = torch.zeros_like(x.rank)
    for axis in (x, y):
        left, right = axis.strict_window(distance)
        terms += digamma[(right - left - 2).clamp_min(0)]
        for place in (left - 1, left, right, right + 1):
            num_boundary += axis.gap(place.clamp(-2, x.num_samples + 1)) == distance
    is_atom = distance == 0
    if bool(is_atom.any()):
        value, _ = torch.sort(joint := x.group * x.num_samples + y.group)
        size = torch.searchsorted(value, joint, right=True) - torch.searchsorted(value, joint)
        terms = torch.where(is_atom, atom_terms(x.group_size(), y.group_size(), size, neighbors), terms)
    # Without ties, only the k-th neighbour lies on the boundary, and along one axis only.
    for at in _chunks((num_boundary != 1) & ~is_atom, memory_limit):
        terms[at] = tied_terms(_count_neighbors(x, y, distance[at], at), neighbors)
    return terms


def _count_neighbors(x: _Axis, y: _Axis, distance: Tensor, at: Points) -> NeighborCounts:
    """Count around the given points: along the axes by bisection, in the plane within a window."""
    windows = [axis.window(distance, at, closed=True) for axis in (x, y)]
    closed_x, closed_y = (right - left - 2 for left, right in windows)
    strict_x, strict_y = (
        right - left - 2 for left, right in (axis.window(distance, at, closed=False) for axis in (x, y))
    )
    plane = torch.zeros(4, len(distance), dtype=torch.int64, device=distance.device)
    along_x = closed_x <= closed_y  # use the shorter of the two windows
    for along, across, (left, right), chosen, rows in (
        (x, y, windows[0], along_x, (0, 1, 2, 3)),
        (y, x, windows[1], ~along_x, (0, 1, 3, 2)),
    ):
        which = chosen.nonzero()[:, 0]
        if len(which):
            points = (at[0][which], at[1][which])
            found = _count_in_window(along, across, distance[which], points, left[which] + 1, right[which])
            plane[torch.tensor(rows, device=plane.device)[:, None], which] = found
    inside, closed, boundary_x, boundary_y = plane
    return NeighborCounts(strict_x, closed_x, strict_y, closed_y, inside, closed, boundary_x, boundary_y)


def _count_in_window(along: _Axis, across: _Axis, distance: Tensor, at: Points, start: Tensor, stop: Tensor) -> Tensor:
    """Count inside, in the closed ball, and on its boundary along each axis, among places start..stop of ``along``."""
    size = stop - start
    point = torch.repeat_interleave(size)
    place = torch.arange(len(point), device=point.device) - (size.cumsum(0) - size - start)[point]
    pair, reach = at[0][point], distance[point]
    other = along.order[pair, place]
    gap_along = (along.ordered[pair, place] - along.values[at][point]).abs_()
    gap_across = (across.values[pair, other] - across.values[at][point]).abs_()
    in_plane = torch.maximum(gap_along, gap_across)
    not_self = other != at[1][point]
    on_boundary = (in_plane == reach) & not_self
    events = (
        (in_plane < reach) & not_self,
        (in_plane <= reach) & not_self,
        on_boundary & (gap_along == reach),
        on_boundary & (gap_across == reach),
    )
    return torch.stack([torch.bincount(point[event], minlength=len(size)) for event in events])


def _neighbor_distances(x_axis: _Axis, y_axis: _Axis, neighbors: int, memory_limit: int) -> Tensor:
    """Compute the Chebyshev distance of every point to its k-th neighbour, ``[pairs, samples]``."""
    x, y = x_axis.ordered, y_axis.values.gather(1, x_axis.order)
    num_pairs, num_samples = x.shape
    nearest = [torch.full_like(x, math.inf) for _ in range(neighbors)]
    for offset in range(1, num_samples):
        along_x = x[:, offset:] - x[:, :-offset]
        in_plane = torch.maximum((y[:, offset:] - y[:, :-offset]).abs_(), along_x)
        _insert([kept[:, offset:] for kept in nearest], in_plane)
        _insert([kept[:, :-offset] for kept in nearest], in_plane)
        if offset % 8 == 0 or offset == num_samples - 1:
            # A walk continues while its last step along x is shorter than the k-th distance found so far.
            is_open = torch.zeros_like(x, dtype=torch.bool)
            is_open[:, :-offset] = along_x < nearest[-1][:, :-offset]
            is_open[:, offset:] |= along_x < nearest[-1][:, offset:]
            num_open = int(is_open.sum())
            # Comparing the open points with all others costs no more than the walk so far: finish that way.
            if num_open <= _OPEN_POINTS_PER_STEP * offset * num_pairs:
                _finish(nearest[-1], is_open, x, y, neighbors, memory_limit)
                break
    return nearest[-1].gather(1, x_axis.rank)


def _insert(nearest: list[Tensor], distance: Tensor) -> None:
    """Insert distances into the sorted smallest distances, using only minimum and maximum."""
    for kept in nearest[:-1]:
        larger = torch.maximum(kept, distance)
        torch.minimum(kept, distance, out=kept)
        distance = larger
    torch.minimum(nearest[-1], distance, out=nearest[-1])


def _finish(kth: Tensor, is_open: Tensor, x: Tensor, y: Tensor, neighbors: int, memory_limit: int) -> None:
    """Compute the k-th distance of the open points by comparing them with all points."""
    for pair, point in _chunks(is_open, memory_limit):
        along_x = (x[pair] - x[pair, point][:, None]).abs_()
        in_plane = torch.maximum((y[pair] - y[pair, point][:, None]).abs_(), along_x)
        # The nearest of the k + 1 points is the point itself.
        kth[pair, point] = in_plane.topk(neighbors + 1, dim=1, largest=False).values[:, neighbors]


def _chunks(chosen: Tensor, memory_limit: int) -> Iterator[Points]:
    """Yield the chosen points (bool ``[pairs, samples]``) in chunks that respect the memory limit."""
    size = max(1, memory_limit // (_LIVE_TENSORS * 8 * chosen.shape[1]))
    pair, point = _indices(chosen)
    for start in range(0, len(pair), size):
        yield pair[start : start + size], point[start : start + size]


def _indices(chosen: Tensor) -> Points:
    pair, point = chosen.nonzero(as_tuple=True)
    return pair, point
