"""Find and count neighbours for pairs of units on a GPU, with Triton."""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_infomem.kernels import reference

__all__ = ["MAX_NEIGHBORS", "is_usable", "mean_terms"]

# The k smallest distances of a point are kept in registers.
MAX_NEIGHBORS = 16

# Points per program: one warp, so that no point waits for others of its block.
_POINTS = 32
_SAMPLES_DEALT_AT_ONCE = 1024
_PAIRS_ADDED_AT_ONCE = 128
# Smaller groups of equal values are searched point by point.
_LARGE_GROUP = 48
# Number of values sorted at once. It bounds the memory for the 8-byte indices that sorting returns.
_SORTED_AT_ONCE = 1 << 26


def is_usable() -> bool:
    """Whether Triton, which compiles this backend, is installed. It comes with torch for CUDA, but not on Windows."""
    return find_spec("triton") is not None


def mean_terms(columns: Tensor, first: Tensor, second: Tensor, *, neighbors: int, memory_limit: int) -> Tensor:
    """Compute `reference.mean_terms` from equal counts, for samples in GPU memory.

    A program handles 32 consecutive points of one pair. The host does not wait for the GPU between chunks of pairs. The
    result is the same to the last bit for any chunk size and any list of pairs. The first call for a dtype and k takes
    some seconds for compilation, which Triton keeps on disk. If compilation fails, or for more than ``MAX_NEIGHBORS``
    neighbours, `reference` is used, with a warning.

    Args:
        columns: ``[units, samples]``, float32 or float64, standardised and finite.
        first: int64 ``[pairs]``, index of the first unit of each pair, on the same device.
        second: int64 ``[pairs]``, index of the second unit.
        neighbors: k, less than the number of samples.
        memory_limit: Bytes for the samples of a chunk of pairs in search order, 12 per sample in float32. In addition,
            sorted copies of all units take 12 bytes per value in float32 and 16 in float64.

    Returns:
        float64 ``[pairs]``, nats, on the device of ``columns``.

    Cost: time about ``pairs * samples**1.5``.
    """
    if not len(first):
        return torch.empty(0, dtype=torch.float64, device=columns.device)
    failure = _failure(neighbors, columns.dtype, columns.device)
    if failure:
        _warn(failure)
        return reference.mean_terms(columns, first, second, neighbors=neighbors, memory_limit=memory_limit)
    return _over_chunks(columns.contiguous(), first, second, neighbors, memory_limit)


class _SortedUnits(NamedTuple):
    """Tensors that the search reads for every unit; see `cuda_search`."""

    ordered: Tensor  # [units, padding + samples + padding], infinite in the padding
    order: Tensor  # int32 [units, samples], the sample at each place
    rank: Tensor  # int32 [units, samples], its inverse
    group_start: Tensor  # int32 [units], first place of the largest group of equal values
    group_stop: Tensor  # int32 [units], the place after its last; equal to group_start if there is no large group

    @classmethod
    def of_columns(cls, columns: Tensor) -> _SortedUnits:
        from lightning_infomem.kernels.cuda_search import PADDING

        num_units, num_samples = columns.shape
        ordered = columns.new_full((num_units, num_samples + 2 * PADDING), torch.inf)
        ordered[:, :PADDING] = -torch.inf
        order, rank = torch.empty(2, num_units, num_samples, dtype=torch.int32, device=columns.device)
        group_start, group_stop = torch.empty(2, num_units, dtype=torch.int32, device=columns.device)
        places = torch.arange(num_samples, dtype=torch.int32, device=columns.device)
        chunk = max(1, _SORTED_AT_ONCE // num_samples)
        for begin in range(0, num_units, chunk):
            rows = slice(begin, begin + chunk)
            values, samples = torch.sort(columns[rows], dim=1, stable=True)
            ordered[rows, PADDING : PADDING + num_samples] = values
            order[rows] = samples
            rank[rows] = torch.empty_like(order[rows]).scatter_(1, samples, places.expand_as(samples))
            size, start = (torch.searchsorted(values, values, right=True) - places).max(1)
            group_start[rows] = start
            group_stop[rows] = torch.where(size >= _LARGE_GROUP, start + size, start)
        return cls(ordered, order, rank, group_start, group_stop)


def _over_chunks(columns: Tensor, first: Tensor, second: Tensor, neighbors: int, memory_limit: int) -> Tensor:
    import triton

    from lightning_infomem.kernels.cuda_count import add_up, point_terms
    from lightning_infomem.kernels.cuda_search import PADDING, STEPS, align

    units = _SortedUnits.of_columns(columns)
    num_samples, length = columns.shape[1], units.ordered.shape[1]
    num_blocks = triton.cdiv(num_samples, _POINTS)
    digamma_above = torch.digamma(torch.arange(1, num_samples + 2, dtype=torch.float64)).to(columns.device)
    # Search along the unit with the smaller group of equal values; this also makes (a, b) and (b, a) identical.
    size = units.group_stop - units.group_start
    is_swapped = (size[first] > size[second]) | ((size[first] == size[second]) & (first > second))
    first, second = torch.where(is_swapped, second, first), torch.where(is_swapped, first, second)
    num_pairs = len(first)
    terms = torch.empty(num_pairs, dtype=torch.float64, device=columns.device)
    bytes_of_pair = length * (columns.element_size() + 4) + num_blocks * 8
    chunk = min(num_pairs, max(1, memory_limit // bytes_of_pair))
    aligned = columns.new_zeros(chunk, length)
    place_y = torch.zeros(chunk, length, dtype=torch.int32, device=columns.device)
    sums = torch.empty(chunk, num_blocks, dtype=torch.float64, device=columns.device)
    for begin in range(0, num_pairs, chunk):
        x, y = first[begin : begin + chunk], second[begin : begin + chunk]
        part = terms[begin : begin + chunk]
        align[(len(x),)](
            *units, x, y, aligned, place_y, num_samples, length, PADDING=PADDING, BLOCK=_SAMPLES_DEALT_AT_ONCE
        )
        searched = (columns, units.ordered, units.order, units.group_start, units.group_stop, x, y, aligned, place_y)
        sizes, options = (num_samples, length, num_blocks), {"PADDING": PADDING, "BLOCK": _POINTS, "STEPS": STEPS}
        point_terms[(len(x) * num_blocks,)](*searched, digamma_above, sums, *sizes, K=neighbors, **options, num_warps=1)
        add_up[(triton.cdiv(len(x), _PAIRS_ADDED_AT_ONCE),)](
            sums, part, len(x), num_samples, num_blocks, BLOCK=_PAIRS_ADDED_AT_ONCE
        )
    return terms


@cache
def _failure(neighbors: int, dtype: torch.dtype, device: torch.device) -> str:
    """Return why the search cannot run for k and dtype on a device; an empty string if it can."""
    if neighbors > MAX_NEIGHBORS:
        return f"keeps at most {MAX_NEIGHBORS} neighbors, got {neighbors}"
    tiny = torch.arange(neighbors + 1, dtype=dtype, device=device).repeat(1, 1)
    pair = torch.zeros(1, dtype=torch.int64, device=device)
    try:
        _over_chunks(tiny, pair, pair, neighbors, 2**20)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        return f"cannot be compiled ({type(error).__name__}: {error})".splitlines()[0]
    return ""


@cache
def _warn(failure: str) -> None:
    """Warn once per failure, because every validation calls this."""
    warnings.warn(
        f"backend: the search of the backend 'cuda' {failure}; using the backend 'reference'. Results are identical, "
        'only slower. Choose backend="reference" to avoid this warning.',
        RuntimeWarning,
        stacklevel=3,
    )
