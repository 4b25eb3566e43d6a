"""From the output of a module to one row of units an example."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor, nn

from lightning_infomem._checks import describe

__all__ = ["attention_mask", "mark_examples", "num_examples", "pool_rows"]

_VALUES_MARKED = 64


def pool_rows(
    output: object,
    module: nn.Module,
    rows: Tensor,
    num_rows: int,
    *,
    pooling: str | Callable[[Tensor], Tensor] = "mean",
    mask: Tensor | None = None,
) -> Tensor:
    """Turn the output of one call of a module into rows.

    Dense outputs ``[examples, units]`` are taken as they are. Sequences ``[examples, positions, units]`` and feature
    maps ``[examples, units, *positions]`` are pooled over their positions. The tensor is looked for in tuples, lists,
    mappings and data classes of outputs: the first one found. A module that says ``batch_first=False`` is believed.

    Args:
        output: whatever the module returned.
        module: tells sequences from maps, and the place of the examples.
        rows: int64, which examples to keep, increasing.
        num_rows: how many examples the batch has.
        pooling: see `MeasurementSettings`.
        mask: ``[examples, positions]``, nonzero where a position counts; used where its shape fits the output.

    Returns:
        ``[len(rows), units]``, float32 (float64 stays), detached and copied: later in-place changes do not reach it.

    Raises:
        TypeError: there is no floating-point tensor in the output.
        ValueError: it does not have one row an example, or a pooling function returned another shape.
    """
    tensor = _first_tensor(output)
    if tensor is None:
        raise TypeError(f"its output holds no tensor (got {type(output).__name__})")
    if not tensor.is_floating_point():
        raise TypeError(f"its output is no floating-point tensor (got {describe(tensor)})")
    if tensor.ndim >= 3 and not _batch_first(module) and tensor.shape[1] == num_rows:
        tensor = tensor.transpose(0, 1)
    if tensor.ndim < 1 or tensor.shape[0] != num_rows:
        raise ValueError(f"its output has no row for each of the {num_rows} examples (got {describe(tensor)})")
    # All of a large map is not copied only to be averaged.
    tensor = tensor.detach() if len(rows) == num_rows else tensor.detach()[rows]
    if tensor.ndim <= 2:
        pooled = tensor.reshape(len(rows), -1)
    else:
        kept_mask = None if mask is None or mask.shape[0] != num_rows else mask[rows]
        pooled = _pool(tensor, _is_map(module, tensor), pooling, kept_mask)
    # A conversion that changes nothing would share memory with the network.
    return pooled.to(torch.float64 if pooled.dtype == torch.float64 else torch.float32, copy=True)


def num_examples(batch: object) -> int | None:
    """How many examples a batch has: the length of the first tensor in it that has one."""
    for leaf in _leaves(batch):
        if isinstance(leaf, Tensor) and leaf.ndim > 0:
            return leaf.shape[0]
    return None


def mark_examples(batch: object, rows: Tensor) -> Tensor | None:
    """A number for each of these examples, equal for equal inputs: a hash of some values of the first tensor.

    Args:
        batch: as the network is given it.
        rows: int64, which examples.

    Returns:
        int64 ``[len(rows), 1]`` on the CPU; None where the batch holds no tensor, or one whose values cannot be taken
        out (sparse, nested, sharded): to know the inputs again is not worth a run.
    """
    leaf = next((leaf for leaf in _leaves(batch) if isinstance(leaf, Tensor) and leaf.ndim > 0), None)
    if leaf is None or not leaf.numel():
        return None
    try:
        values = leaf.detach().reshape(len(leaf), -1)
        spread = torch.linspace(0, values.shape[1] - 1, min(_VALUES_MARKED, values.shape[1])).long()
        some = values[rows.to(values.device)][:, spread.to(values.device)].cpu()
        # Exact for every dtype.
        plain = some.to(torch.complex128 if some.is_complex() else torch.float64).numpy()
    except Exception:  # whatever kind of tensor the user's own network takes
        return None
    marks = [int.from_bytes(blake2b(row.tobytes(), digest_size=8).digest(), "little", signed=True) for row in plain]
    return torch.tensor(marks, dtype=torch.int64)[:, None]


def attention_mask(batch: object) -> Tensor | None:
    """The attention mask of a batch that is a mapping with one, or holds such a mapping."""
    if isinstance(batch, Mapping):
        mask = batch.get("attention_mask")
        return mask if isinstance(mask, Tensor) and mask.ndim == 2 else None
    if isinstance(batch, (tuple, list)):
        return next((mask for part in batch if (mask := attention_mask(part)) is not None), None)
    return None


def _pool(tensor: Tensor, is_map: bool, pooling: str | Callable[[Tensor], Tensor], mask: Tensor | None) -> Tensor:
    if is_map and pooling in ("mean", "max"):  # along memory; a mask is one of tokens
        over_space = tensor.flatten(2)
        return over_space.mean(2, dtype=_wide(tensor)) if pooling == "mean" else over_space.amax(2)
    positions = tensor.flatten(2).transpose(1, 2) if is_map else tensor.flatten(1, -2)
    if mask is not None and mask.shape != positions.shape[:2]:
        mask = None
    if callable(pooling):
        pooled = pooling(positions)
        if not isinstance(pooled, Tensor) or pooled.ndim != 2 or len(pooled) != len(tensor):
            raise ValueError(f"pooling must return [{len(tensor)}, units], it returned {describe(pooled)}")
        return pooled
    if pooling == "flatten":
        return positions.flatten(1)
    if pooling == "cls":
        return positions[:, 0]
    if pooling == "center":
        for dimension in range(2, tensor.ndim) if is_map else range(1, tensor.ndim - 1):
            tensor = tensor.narrow(dimension, tensor.shape[dimension] // 2, 1)
        return tensor.flatten(1)
    if pooling == "last":
        if mask is None:
            return positions[:, -1]
        steps = torch.arange(1, mask.shape[1] + 1, device=mask.device)
        last = (mask.ne(0) * steps).argmax(1)  # 0 for an example that is masked throughout
        return positions[torch.arange(len(positions), device=positions.device), last]
    if mask is None:
        return positions.mean(1, dtype=_wide(tensor)) if pooling == "mean" else positions.amax(1)
    admitted = mask.ne(0)[:, :, None]
    if pooling == "max":
        return positions.masked_fill(~admitted, -torch.inf).amax(1)
    total = positions.masked_fill(~admitted, 0).sum(1, dtype=_wide(tensor))
    return total / admitted.sum(1).clamp_min(1)


def _wide(tensor: Tensor) -> torch.dtype:
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


def _is_map(module: nn.Module, tensor: Tensor) -> bool:
    """Whether units are the second dimension. With one dimension of positions only convolutions tell."""
    if tensor.ndim > 3:
        return True
    channels_first = (nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm, nn.GroupNorm)
    return any(isinstance(part, channels_first) for part in module.modules())


def _batch_first(module: nn.Module) -> bool:
    """The first word on `batch_first` in a module or its parts; true where nobody says anything."""
    return next((bool(part.batch_first) for part in module.modules() if hasattr(part, "batch_first")), True)


def _first_tensor(output: object) -> Tensor | None:
    return next((leaf for leaf in _leaves(output) if isinstance(leaf, Tensor)), None)


def _leaves(tree: object) -> Sequence[Any]:
    """What a nest of containers holds, in order. Data classes (as model outputs often are) count as containers."""
    if isinstance(tree, Mapping):
        return [leaf for part in tree.values() for leaf in _leaves(part)]
    if isinstance(tree, (tuple, list)):
        return [leaf for part in tree for leaf in _leaves(part)]
    if hasattr(tree, "__dataclass_fields__"):
        return [leaf for name in tree.__dataclass_fields__ for leaf in _leaves(getattr(tree, name))]
    return [tree]
