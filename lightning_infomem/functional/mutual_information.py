"""Mutual information of pairs of units by the Kraskov-Stoegbauer-Grassberger estimator, also correct for ties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import overload

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, check_enough_samples, check_same_length, check_samples
from lightning_infomem.functional.memory import saying_what_fits
from lightning_infomem.functional.pairs import PairInformation, choose_pairs
from lightning_infomem.functional.repeated_rows import warn_of_repeated_rows
from lightning_infomem.functional.standardization import finite_samples, standardized_columns, warn_of_dropped
from lightning_infomem.functional.usable_samples import among_all_units
from lightning_infomem.kernels import Kernel, select_backend

__all__ = ["mutual_information", "pairwise_mutual_information", "share_of_pairwise"]

# Pairs passed to a kernel at once. It bounds the memory for their indices and lets Ctrl-C through between calls.
_PAIRS_AT_ONCE = 1 << 20


def mutual_information(x: Tensor, y: Tensor, *, neighbors: int = 3, backend: str = "auto") -> Tensor:
    """Estimate the mutual information of two scalar variables from paired samples.

    For all pairs of many units, use `pairwise_mutual_information`, which sorts every unit only once. Do not use it for
    discrete variables with few values, where counting is exact.

    Args:
        x: ``[samples]``, floating point, any device.
        y: ``[samples]``, on the same device.
        neighbors: Number of neighbours k. More neighbours reduce the variance and increase the bias for strong
            dependence.
        backend: "auto", "reference", "cpu" or "cuda"; see `kernels.select_backend`.

    Returns:
        float64 scalar tensor in nats. It is not clipped: estimates of weak dependence may be slightly negative. See
        `pairwise_mutual_information` for constant variables, ties and non-finite samples.

    Raises:
        TypeError: ``x`` or ``y`` is not a floating-point tensor.
        ValueError: A variable is not one-dimensional, the lengths differ, or there are not more than ``neighbors``
            finite samples.

    Reference:
        Kraskov, Stoegbauer, Grassberger (2004), Estimating mutual information, eq. 8.

    >>> x = torch.arange(100.0, dtype=torch.float64)
    >>> round(mutual_information(x, -2 * x).item(), 6)  # a copy: psi(100) - psi(3)
    3.677378
    """
    check_samples(x, name="x", dimensions=1)
    check_samples(y, name="y", dimensions=1)
    check_same_length(x, y)
    both = torch.stack([x, y], dim=1)
    return pairwise_mutual_information(both, neighbors=neighbors, backend=backend)[0, 1]


@overload
def pairwise_mutual_information(
    samples: Tensor, *, pairs: None = None, neighbors: int = 3, backend: str = "auto", memory_limit: int = 2**28
) -> Tensor: ...


@overload
def pairwise_mutual_information(
    samples: Tensor,
    *,
    pairs: int | Sequence[tuple[int, int]] | Tensor,
    seed: int = 0,
    neighbors: int = 3,
    backend: str = "auto",
    memory_limit: int = 2**28,
) -> PairInformation: ...


def pairwise_mutual_information(
    samples: Tensor,
    *,
    pairs: int | Sequence[tuple[int, int]] | Tensor | None = None,
    seed: int = 0,
    neighbors: int = 3,
    backend: str = "auto",
    memory_limit: int = 2**28,
) -> Tensor | PairInformation:
    """Estimate the mutual information of all pairs of units, or of some.

    Units are standardised first, because the estimator compares distances along both axes. Estimates from different
    numbers of samples or neighbours should not be compared with one another.

    Args:
        samples: ``[samples, units]``, floating point, CPU or CUDA. float64 is compared in float64, any other dtype
            in float32 after standardisation in float64.
        pairs: None for all pairs. For layers that are too wide, a number of pairs to draw at random without
            replacement, or a list ``[pairs, 2]`` of indices of units.
        seed: Seed of the draw, which uses its own generator.
        neighbors: Number of neighbours k, at least 1 and less than the number of samples.
        backend: "auto", "reference", "cpu" or "cuda"; see `kernels.select_backend`.
        memory_limit: Bytes for temporary tensors in addition to the input and the result. It does not change results.

    Returns:
        float64 ``[units, units]`` in nats, symmetric, on the device of ``samples``. The diagonal holds the
        estimate of a unit with itself, ``psi(S) - psi(k)`` without ties; leave it out of means. Estimates are not
        clipped: weak dependence may give slightly negative ones, and clipping would bias a mean upward. Special cases:

        * tied values (the zeros of a ReLU, bf16) are handled by `kernels.tie_rule`, without noise;
        * a constant unit shares no information: 0 with every unit and with itself;
        * a unit and a scaled, shifted or mirrored copy of it share as much as the unit with itself;
        * rows with a non-finite value are dropped for all units, with a warning;
        * if more than 5 % of the rows repeat an earlier one in eight units or more, there is a warning, because copies
          are taken for nearest neighbours: remove them with ``samples.unique(dim=0)``;
        * a unit without any finite value gives NaN in its row and column.

        With ``pairs``, a `PairInformation` with the pairs, their estimates, the mean and its standard error.

    Raises:
        TypeError: ``samples`` is not a floating-point tensor, or ``pairs`` is neither a number nor indices.
        ValueError: The shape is wrong, there are not more than ``neighbors`` finite samples, or the pairs do not exist.
        MemoryError: There is not enough memory; the message says how many units would fit.

    Cost:
        Time about ``samples**1.4`` per pair. In addition to input and result, memory of ``memory_limit`` and 16 bytes
        per sample and unit (24 in float64).

    Reference:
        Kraskov, Stoegbauer, Grassberger (2004), eq. 8 (the first estimator, strict counts). Departure: ties.

    >>> x = torch.arange(50.0)
    >>> pairwise_mutual_information(torch.stack([x, torch.zeros(50)], dim=1)).round(decimals=4).tolist()
    [[2.9792, 0.0], [0.0, 0.0]]
    """
    check_samples(samples)
    check_count(neighbors, name="neighbors")
    check_count(memory_limit, name="memory_limit")
    chosen = None if pairs is None else choose_pairs(pairs, samples.shape[1], seed=seed).to(samples.device)
    kept, finite_rows, live_units = finite_samples(samples)
    check_enough_samples(len(kept), neighbors, dropped=len(samples) - len(kept))
    warn_of_dropped(finite_rows)
    warn_of_repeated_rows(kept)
    if chosen is None:
        return _matrix(kept, live_units, (0, 1), neighbors, backend, memory_limit)
    with saying_what_fits(kept, memory_limit):
        columns, constant = standardized_columns(kept)
        known = live_units[chosen].all(1)
        first, second = (live_units.cumsum(0) - 1)[chosen[known]].T
        found = torch.full((len(chosen),), math.nan, dtype=torch.float64, device=samples.device)
        _, kernel = select_backend(backend, samples.device)
        found[known] = _information(columns, constant, first, second, kernel, neighbors, memory_limit)
    return PairInformation.of(chosen, found)


def share_of_pairwise(
    samples: Tensor, share: tuple[int, int], *, neighbors: int, backend: str, memory_limit: int
) -> Tensor:
    """Compute one process's share of `pairwise_mutual_information`; the sum over all processes is the matrix.

    Args:
        samples: Samples as in `pairwise_mutual_information`, already checked.
        share: Number of this process and number of processes ``n``. Each process takes every ``n``-th pair.
        neighbors: As in `pairwise_mutual_information`.
        backend: As in `pairwise_mutual_information`.
        memory_limit: As in `pairwise_mutual_information`.

    Returns:
        The matrix, with zeros for the pairs of other processes.
    """
    kept, _, live_units = finite_samples(samples)
    return _matrix(kept, live_units, share, neighbors, backend, memory_limit)


def _matrix(
    kept: Tensor, live_units: Tensor, share: tuple[int, int], neighbors: int, backend: str, memory_limit: int
) -> Tensor:
    """Compute the symmetric matrix with its diagonal in blocks of whole rows; NaN for units without finite values."""
    process, num_processes = share
    _, kernel = select_backend(backend, kept.device)
    with saying_what_fits(kept, memory_limit):
        columns, constant = standardized_columns(kept)
        num_units = len(columns)
        result = torch.zeros(num_units, num_units, dtype=torch.float64, device=kept.device)
        rows = max(1, _PAIRS_AT_ONCE // num_units)
        units = torch.arange(num_units, device=kept.device)
        for start in range(0, num_units, rows):
            first, second = torch.nonzero(units[start : start + rows, None] <= units, as_tuple=True)
            first, second = (first + start)[process::num_processes], second[process::num_processes]
            information = _information(columns, constant, first, second, kernel, neighbors, memory_limit)
            result[first, second] = information
            result[second, first] = information
        return among_all_units(result, live_units)


def _information(
    columns: Tensor, constant: Tensor, first: Tensor, second: Tensor, kernel: Kernel, neighbors: int, memory_limit: int
) -> Tensor:
    """Estimate the information of a list of pairs, ``[pairs]``."""
    at_k, at_samples = torch.digamma(torch.tensor([neighbors, columns.shape[1]], dtype=torch.float64)).tolist()
    terms = kernel(columns, first, second, neighbors=neighbors, memory_limit=memory_limit)
    information: Tensor = at_k + at_samples - terms
    return information.masked_fill_(constant[first] | constant[second], 0.0)
