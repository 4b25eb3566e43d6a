"""Nearest rows by cosine similarity, the same whatever the order of sums."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from scipy import sparse
from torch import Tensor

from lightning_infomem._checks import check_count, check_samples
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.functional.standardization import scale_to_one

__all__ = ["NearestNeighbors", "nearest_neighbors"]

# Entries of unit vectors are rounded to multiples of this. Their products are then multiples of 2**-52, and every
# partial sum is below 2, so that float64 adds them without rounding: chunks, threads and libraries change nothing.
_GRAIN = 2.0**-26
_AT_THE_MEAN = 1e-12  # of the largest value of a unit; what is nearer to the mean than this is rounding


class NearestNeighbors(NamedTuple):
    """The nearest features of each query, nearest first."""

    indices: Tensor
    """Row in the features, int64 ``[queries, neighbors]``."""
    similarity: Tensor
    """Cosine similarity, float64 ``[queries, neighbors]``, from -1 to 1."""


def nearest_neighbors(
    queries: Any, features: Any, neighbors: int, *, exclude_self: bool = False, memory_limit: int = 2**25
) -> NearestNeighbors:
    """Find the nearest features of each query by cosine similarity.

    Args:
        queries: ``[queries, units]``, a floating-point tensor on any device, or a ``scipy.sparse`` matrix.
        features: ``[features, units]``, of the same kind. The mean of the features is subtracted from both, so that
            what all have in common makes nothing similar; not from sparse matrices, which would fill up.
        neighbors: Number of nearest features to find.
        exclude_self: Whether ``queries`` are ``features``, so that no row is a neighbour of its own.
        memory_limit: Bytes for the similarities computed at a time; the search takes about three times as many. It
            does not change the result.

    Returns:
        Indices and similarities on the CPU. Of features that are as near, the lower index comes first. A row that is
        the mean itself, or an empty sparse row, has similarity 0 to all. Similarities are exact to about 1e-7, because
        entries of unit vectors are rounded to multiples of 2**-26.

    Raises:
        TypeError: If the arguments are neither two floating-point tensors nor two sparse matrices.
        ValueError: If shapes do not match, a value is not finite, or there are too few features.

    Cost:
        A product of float64 matrices, time ``queries * features * units``; float64 copies of both arguments.

    >>> features = torch.tensor([[0.0, 1.0], [0.0, 2.0], [1.0, 0.0], [-1.0, -3.0]])  # their mean is 0
    >>> nearest_neighbors(torch.tensor([[0.1, 5.0], [3.0, 0.1]]), features, 2).indices
    tensor([[0, 1],
            [2, 0]])
    """
    check_count(neighbors, name="neighbors")
    check_count(memory_limit, name="memory_limit")
    is_sparse = sparse.issparse(features)
    if sparse.issparse(queries) != is_sparse:
        raise UsageTypeError(
            "queries: the kind of features, a torch tensor or a scipy.sparse matrix, is required, got "
            f"{type(queries).__name__} beside {type(features).__name__}; convert one of them."
        )
    for name, rows in (("queries", queries), ("features", features)):
        values = torch.as_tensor(rows.data) if is_sparse else check_samples(rows, name=name)
        if not bool(values.isfinite().all()):
            raise UsageValueError(f"{name}: finite values are required, got NaN or infinity; leave out those rows.")
    count = features.shape[0]
    if queries.shape[1] != features.shape[1] or (exclude_self and queries.shape[0] != count):
        raise UsageValueError(
            f"queries: {'the shape' if exclude_self else 'as many units as the features'} of {list(features.shape)} "
            f"is required, got {list(queries.shape)}; take both from the same layer."
        )
    if neighbors > count - exclude_self:
        raise UsageValueError(
            f"neighbors: at most {count - exclude_self} are possible among {count} features"
            f"{' without the own' if exclude_self else ''}, got {neighbors}; lower it."
        )
    left, right = _sparse_units(queries, features) if is_sparse else _dense_units(queries, features)
    step = max(1, memory_limit // (8 * count))
    found = []
    for start in range(0, left.shape[0], step):
        product: Any = left[start : start + step] @ right
        similarity = torch.from_numpy(product.toarray()) if is_sparse else product
        if exclude_self:
            similarity.diagonal(start).fill_(-torch.inf)
        found.append(_nearest(similarity, neighbors))
    indices, similarity = (torch.cat(parts) for parts in zip(*found, strict=True))
    return NearestNeighbors(indices, similarity.clamp(-1, 1))


def _nearest(similarity: Tensor, neighbors: int) -> tuple[Tensor, Tensor]:
    """Columns of the highest values of each row, of equal ones the first, and the values."""
    least = similarity.topk(neighbors, dim=1).values[:, -1:]  # topk breaks ties arbitrarily
    rows, columns = (similarity >= least).nonzero(as_tuple=True)
    values = similarity[rows, columns]
    order = values.argsort(descending=True, stable=True)
    order = order[rows[order].argsort(stable=True)]
    sizes = torch.bincount(rows, minlength=len(similarity))
    kept = order[(sizes.cumsum(0) - sizes)[:, None] + torch.arange(neighbors)]
    return columns[kept], values[kept]


def _dense_units(queries: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors of the centred queries, and those of the features, transposed."""
    queries, features = (rows.detach().to("cpu", torch.float64) for rows in (queries, features))
    highest = torch.maximum(queries.abs().amax(), features.abs().amax())
    queries, features = (scale_to_one(rows, highest) for rows in (queries, features))  # no square overflows
    mean, largest = features.mean(0), features.abs().amax(0)
    return _unit_rows(queries, mean, largest), _unit_rows(features, mean, largest).T


def _unit_rows(rows: Tensor, mean: Tensor, largest: Tensor) -> Tensor:
    rows = rows - mean
    rows[rows.abs() <= _AT_THE_MEAN * largest] = 0
    rows = scale_to_one(rows, rows.abs().amax(1, keepdim=True))
    norms = rows.square().sum(1, keepdim=True).sqrt()
    return (rows / norms.masked_fill(norms == 0, 1) / _GRAIN).round_() * _GRAIN


def _sparse_units(queries: Any, features: Any) -> tuple[Any, Any]:
    """Unit vectors of the queries, and those of the features, transposed; compressed sparse rows."""
    units = []
    for rows in (queries, features):
        unit = sparse.csr_matrix(rows, dtype="float64", copy=True)
        unit.sum_duplicates()
        norms = torch.from_numpy(unit.multiply(unit).sum(1).A1).sqrt()
        lengths = torch.from_numpy(unit.indptr).diff().long()
        values = torch.from_numpy(unit.data) / norms.repeat_interleave(lengths)
        unit.data = ((values.nan_to_num(0.0) / _GRAIN).round() * _GRAIN).numpy()
        units.append(unit)
    return units[0], units[1].T.tocsr()
