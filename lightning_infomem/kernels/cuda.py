"""Find and count neighbours for pairs of units on a GPU, with Triton."""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_infomem._errors import UsageValueError
from lightning_infomem.kernels import reference

__all__ = ["MAX_NEIGHBORS", "is_usable", "mean_terms", "mean_terms_or_reference"]

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
# The sample of the check: three blocks of points, the last one incomplete, and one large group.
_CHECKED_SAMPLES = 70
# Adding up in another order changes a mean by less, and one wrong count of so few samples by more.
_CHECK_TOLERANCE = 1e-9


def is_usable() -> bool:
    """Whether Triton, which compiles this backend, is installed. It comes with torch for CUDA, but not on Windows."""
    return find_spec("triton") is not None


def mean_terms(columns: Tensor, first: Tensor, second: Tensor, *, neighbors: int, memory_limit: int) -> Tensor:
    """Compute `reference.mean_terms` from equal counts, for samples in GPU memory.

    A program handles 32 consecutive points of one pair. The host does not wait for the GPU between chunks of pairs. The
    result is the same to the last bit for any chunk size and any list of pairs.

    The first call of a process for a device, dtype and k compares the results for a small sample with `reference`,
    because a compiler or driver can be at fault.

    Args:
        columns: ``[units, samples]``, float32 or float64, standardised and finite.
        first: int64 ``[pairs]``, index of the first unit of each pair, on the same device.
        second: int64 ``[pairs]``, index of the second unit.
        neighbors: k, less than the number of samples.
        memory_limit: Bytes for the samples of a chunk of pairs in search order, 12 per sample in float32. In addition,
            sorted copies of all units take 12 bytes per value in float32 and 16 in float64.

    Returns:
        float64 ``[pairs]``, nats, on the device of ``columns``.

    Raises:
        ValueError: It does not compile, its results for the small sample are wrong, or there are more than
            ``MAX_NEIGHBORS`` neighbours.

    Cost: time about ``pairs * samples**1.5``. The first call takes some seconds for compilation, which Triton keeps on
        disk, and some hundredths of a second for the comparison.
    """
    failure = _failure(neighbors, columns.dtype, columns.device) if len(first) else ""
    if failure:
        raise UsageValueError(
            f'backend: the search of the backend \'cuda\' {failure}; choose backend="auto" or "reference", whose '
            "results are right, only slower."
        )
    if not len(first):
        return torch.empty(0, dtype=torch.float64, device=columns.device)
    return _over_chunks(columns.contiguous(), first, second, neighbors, memory_limit)


def mean_terms_or_reference(
    columns: Tensor, first: Tensor, second: Tensor, *, neighbors: int, memory_limit: int
) -> Tensor:
    """Compute `mean_terms`, or `reference.mean_terms` with one warning if the search fails; for the backend "auto"."""
    failure = _failure(neighbors, columns.dtype, columns.device) if len(first) else ""
    if failure:
        _warn(failure)
    kernel = reference.mean_terms if failure else mean_terms
    return kernel(columns, first, second, neighbors=neighbors, memory_limit=memory_limit)


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
    columns, first, second = _check_sample(dtype)
    try:
        found = _over_chunks(columns.to(device), first.to(device), second.to(device), neighbors, 2**20).cpu()
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        return f"cannot be compiled ({type(error).__name__}: {error})".splitlines()[0]
    expected = reference.mean_terms(columns, first, second, neighbors=neighbors, memory_limit=2**20)
    difference = float((found - expected).abs().nan_to_num(torch.inf).max())
    if difference > _CHECK_TOLERANCE:
        return f"miscounts on {device} in {dtype}: it is {difference:.2g} nats off on a small sample"
    return ""


def _check_sample(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return columns and pairs that use every part of the search: few ties, and a large group of equal values."""
    generator = torch.Generator().manual_seed(0)
    columns = torch.randn(3, _CHECKED_SAMPLES, generator=generator, dtype=torch.float64)
    columns[1:] += columns[0]
    columns[:, ::2] = columns[:, ::2].round()
    columns[2] = columns[2].clamp_min(columns[2].quantile(0.75))
    first, second = torch.tensor([(0, 1), (0, 2)]).T
    return columns.to(dtype), first, second


@cache
def _warn(failure: str) -> None:
    """Warn once per failure, because every validation calls this."""
    warnings.warn(
        f"backend: the search of the backend 'cuda' {failure}; using the backend 'reference'. Results are identical, "
        'only slower. Choose backend="reference" to avoid this warning.',
        RuntimeWarning,
        stacklevel=3,
    )
