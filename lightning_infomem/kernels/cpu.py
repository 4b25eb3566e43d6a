"""Find and count neighbours for pairs of units on a CPU: compiled, with vector instructions, on several threads."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_infomem.kernels import reference

__all__ = ["is_usable", "mean_terms"]

Compiled: TypeAlias = "Callable[..., None]"

# Size of one task of a thread, in pairs times samples. It takes about ten milliseconds, which delays Ctrl-C as long.
_TASK_SIZE = 1 << 18
# Number of values sorted at once. It bounds the memory for the 8-byte indices that sorting returns.
_SORTED_AT_ONCE = 1 << 20


def is_usable() -> bool:
    """Whether numba, which compiles this backend, is installed."""
    return find_spec("numba") is not None


def mean_terms(columns: Tensor, first: Tensor, second: Tensor, *, neighbors: int, memory_limit: int) -> Tensor:
    """Compute `reference.mean_terms` from equal counts, for samples in CPU memory.

    The search runs on `torch.get_num_threads()` threads without holding Python's lock; Ctrl-C ends it within a few
    hundredths of a second. One thread computes each pair in a fixed order, so the result is the same to the last bit
    for any number of threads and any list of pairs. The first call for a dtype and k on a machine takes seconds for
    compilation, which is kept on disk for later processes. If compilation fails, `reference` is used, with a warning.

    Args:
        columns: ``[units, samples]``, float32 or float64, standardised and finite.
        first: int64 ``[pairs]``, index of the first unit of each pair.
        second: int64 ``[pairs]``, index of the second unit.
        neighbors: k, less than the number of samples.
        memory_limit: Memory limit of `reference`, in case it is needed. The search itself takes 12 bytes per value in
            float32 and 16 in float64 for sorted copies of the units, and about 100 bytes per sample for each thread.

    Returns:
        float64 ``[pairs]``, nats.

    Cost: time about ``pairs * samples**1.4``, also for tied data.
    """
    if not len(first):
        return torch.empty(0, dtype=torch.float64)
    search = _compiled_search(neighbors, columns.dtype)
    if search is None:
        return reference.mean_terms(columns, first, second, neighbors=neighbors, memory_limit=memory_limit)
    units, (first, second) = _units_in(len(columns), first, second)
    if len(units) < len(columns):
        columns = columns[units]
    sorted_units = _SortedUnits.of_columns(columns.contiguous())
    return _over_threads(search, sorted_units, first, second, neighbors)


class _SortedUnits(NamedTuple):
    """Arrays that the compiled search reads; see `cpu_pairs.mean_terms_of_pairs`."""

    columns: NDArray[Any]
    ordered: NDArray[Any]
    order: NDArray[np.int32]
    rank: NDArray[np.int32]
    is_grouped: NDArray[np.bool_]

    @classmethod
    def of_columns(cls, columns: Tensor) -> _SortedUnits:
        from lightning_infomem.kernels.cpu_search import LARGE_GROUP, PADDING

        num_units, num_samples = columns.shape
        dtype = columns.numpy().dtype
        ordered = np.full((num_units, num_samples + 2 * PADDING), np.inf, dtype)
        ordered[:, :PADDING] = -np.inf
        order, rank = np.empty((2, num_units, num_samples), np.int32)
        is_grouped = np.zeros(num_units, np.bool_)
        places = torch.arange(num_samples, dtype=torch.int32)
        chunk = max(1, _SORTED_AT_ONCE // num_samples)
        for start in range(0, num_units, chunk):
            rows = slice(start, start + chunk)
            values, samples = torch.sort(columns[rows], dim=1, stable=True)
            ordered[rows, PADDING : PADDING + num_samples] = values.numpy()
            order[rows] = samples.numpy()
            torch.from_numpy(rank[rows]).scatter_(1, samples, places.expand_as(samples))
            # A value that fills more than LARGE_GROUP places forms a large group.
            is_grouped[rows] = (values[:, LARGE_GROUP:] == values[:, :-LARGE_GROUP]).any(1).numpy()
        return cls(columns.numpy(), ordered, order, rank, is_grouped)


def _units_in(num_units: int, *lists: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return the units that occur in lists of indices, and the lists as indices into those units."""
    occurs = torch.zeros(num_units, dtype=torch.bool)
    for units in lists:
        occurs[units] = True
    index = occurs.cumsum(0) - 1
    return occurs.nonzero()[:, 0], [index[units] for units in lists]


def _over_threads(
    search: Compiled, sorted_units: _SortedUnits, first: Tensor, second: Tensor, neighbors: int
) -> Tensor:
    """Share the pairs among threads; a free thread takes the next few pairs of the list."""
    num_samples, length = sorted_units.columns.shape[1], sorted_units.ordered.shape[1]
    dtype = sorted_units.ordered.dtype
    slots = (0,) * neighbors
    digamma_above = torch.digamma(torch.arange(1, num_samples + 2, dtype=torch.float64)).numpy()
    terms = torch.empty(len(first), dtype=torch.float64)
    task_size = max(1, _TASK_SIZE // num_samples)

    def run(start: int) -> None:
        pairs = slice(start, start + task_size)
        nearest, reals = np.empty(17 * neighbors, dtype), np.zeros((3, length), dtype)
        counts, places = np.zeros((7, length), np.int32), np.zeros((6, length), np.int64)
        units, room = (first[pairs].numpy(), second[pairs].numpy()), (nearest, reals, counts, places)
        search(slots, *sorted_units, *units, digamma_above, *room, terms[pairs].numpy())

    starts = range(0, len(first), task_size)
    num_threads = min(torch.get_num_threads(), len(starts))
    if num_threads == 1:
        for start in starts:
            run(start)
        return terms
    executor = ThreadPoolExecutor(num_threads, thread_name_prefix="infomem")
    try:
        for future in [executor.submit(run, start) for start in starts]:
            future.result()
    finally:
        # After Ctrl-C or an error, do not start the remaining tasks.
        executor.shutdown(wait=True, cancel_futures=True)
    return terms


@cache
def _compiled_search(neighbors: int, dtype: torch.dtype) -> Compiled | None:
    """Return the search compiled for k and dtype, from disk if possible; None, after a warning, if that fails."""
    try:
        from lightning_infomem.kernels import cpu_pairs
    except Exception as error:
        _warn(f"cannot be loaded ({_in_short(error)}); using the backend 'reference'")
        return None
    tiny = torch.arange(neighbors + 1, dtype=dtype).repeat(1, 1)
    pair = torch.zeros(1, dtype=torch.int64)
    failure = ""
    for kept_on_disk in (True, False):
        try:
            search = cpu_pairs.mean_terms_of_pairs(kept_on_disk=kept_on_disk)
            _over_threads(search, _SortedUnits.of_columns(tiny), pair, pair, neighbors)
        except Exception as error:
            failure = failure or _in_short(error)
        else:
            if failure:
                _warn(f"cannot be kept on disk ({failure}); compiling it again in every process")
            return search
    _warn(f"cannot be compiled ({failure}); using the backend 'reference'")
    return None


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _warn(what: str) -> None:
    warnings.warn(
        f"backend: the search of the backend 'cpu' {what}. Results are identical, only slower. Set NUMBA_CACHE_DIR to "
        'a writable folder, or choose backend="reference".',
        RuntimeWarning,
        stacklevel=3,
    )
