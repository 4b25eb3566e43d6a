"""Convert the output of a module to one row of units per example."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b

import torch
from torch import Tensor, nn

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = ["attention_mask", "leaf_tensors", "mark_examples", "num_examples", "pool_rows"]

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
    """Convert the output of one module call to rows of units.

    Dense outputs ``[examples, units]`` are used as they are. Sequences ``[examples, positions, units]`` and feature
    maps ``[examples, units, *positions]`` are pooled over positions. In tuples, lists, mappings and dataclasses the
    first tensor is used. ``batch_first=False`` on the module is respected.

    Args:
        output: Output of the module.
        module: Module that was called; it determines whether the output is a sequence or a feature map, and which
            dimension holds the examples.
        rows: Indices of the examples to keep, int64, increasing.
        num_rows: Number of examples in the batch.
        pooling: Pooling over positions; see `MeasurementSettings`.
        mask: Attention mask ``[examples, positions]``, nonzero for positions that count. It is ignored if its shape
            does not match the output.

    Returns:
        ``[len(rows), units]``, float32 (float64 is kept), detached and copied, so later in-place changes do not
        affect it.

    Raises:
        TypeError: The output contains no floating-point tensor.
        ValueError: The tensor does not have one row per example, or the pooling function returned the wrong shape.
    """
    tensor = next(iter(leaf_tensors(output)), None)
    if tensor is None:
        raise UsageTypeError(f"its output holds no tensor (got {type(output).__name__})")
    if not tensor.is_floating_point():
        raise UsageTypeError(f"its output is no floating-point tensor (got {describe(tensor)})")
    if tensor.ndim >= 3 and not _batch_first(module) and tensor.shape[1] == num_rows:
        tensor = tensor.transpose(0, 1)
    if tensor.ndim < 1 or tensor.shape[0] != num_rows:
        raise UsageValueError(f"its output has no row for each of the {num_rows} examples (got {describe(tensor)})")
    # Index only if needed, so that a large map is not copied just to be averaged.
    tensor = tensor.detach() if len(rows) == num_rows else tensor.detach()[rows]
    if tensor.ndim <= 2:
        pooled = tensor.reshape(len(rows), -1)
    else:
        kept_mask = None if mask is None or mask.shape[0] != num_rows else mask[rows]
        pooled = _pool(tensor, _is_map(module, tensor), pooling, kept_mask)
    # Without copy=True, a conversion to the same dtype would share memory with the network.
    return pooled.to(torch.float64 if pooled.dtype == torch.float64 else torch.float32, copy=True)


def num_examples(batch: object) -> int | None:
    """Return the number of examples in a batch: the length of its first tensor that is not a scalar."""
    return next((len(tensor) for tensor in leaf_tensors(batch) if tensor.ndim), None)


def mark_examples(batch: object, rows: Tensor) -> Tensor | None:
    """Hash some values of each example's first tensor, so that equal inputs get equal numbers.

    Args:
        batch: Batch as passed to the network.
        rows: Indices of the examples, int64.

    Returns:
        int64 ``[len(rows), 1]`` on the CPU. None if the batch holds no tensor, or one whose values cannot be read
        (sparse, nested, sharded); recognising inputs is not worth failing a run.
    """
    leaf = next((tensor for tensor in leaf_tensors(batch) if tensor.ndim), None)
    if leaf is None or not leaf.numel():
        return None
    try:
        values = leaf.detach().reshape(len(leaf), -1)
        spread = torch.linspace(0, values.shape[1] - 1, min(_VALUES_MARKED, values.shape[1])).long()
        some = values[rows.to(values.device)][:, spread.to(values.device)].cpu()
        # These types represent every dtype exactly.
        plain = some.to(torch.complex128 if some.is_complex() else torch.float64).numpy()
    except Exception:  # the user's network may take any kind of tensor
        return None
    marks = [int.from_bytes(blake2b(row.tobytes(), digest_size=8).digest(), "little", signed=True) for row in plain]
    return torch.tensor(marks, dtype=torch.int64)[:, None]


def attention_mask(batch: object) -> Tensor | None:
    """Return the attention mask of a batch that is, or contains, a mapping with one."""
    if isinstance(batch, Mapping):
        mask = batch.get("attention_mask")
        return mask if isinstance(mask, Tensor) and mask.ndim == 2 else None
    if isinstance(batch, (tuple, list)):
        return next((mask for part in batch if (mask := attention_mask(part)) is not None), None)
    return None


def _pool(tensor: Tensor, is_map: bool, pooling: str | Callable[[Tensor], Tensor], mask: Tensor | None) -> Tensor:
    if is_map and pooling in ("mean", "max"):  # reduces contiguous memory; masks apply to tokens, not to maps
        over_space = tensor.flatten(2)
        return over_space.mean(2, dtype=_wide(tensor)) if pooling == "mean" else over_space.amax(2)
    positions = tensor.flatten(2).transpose(1, 2) if is_map else tensor.flatten(1, -2)
    if mask is not None and mask.shape != positions.shape[:2]:
        mask = None
    if callable(pooling):
        pooled = pooling(positions)
        if not isinstance(pooled, Tensor) or pooled.ndim != 2 or len(pooled) != len(tensor):
            raise UsageValueError(f"pooling must return [{len(tensor)}, units], it returned {describe(pooled)}")
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
        last = (mask.ne(0) * steps).argmax(1)  # 0 for a fully masked example
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
    """Whether units are the second dimension; of three dimensions only if there is a convolution or its norm."""
    if tensor.ndim > 3:
        return True
    channels_first = (nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm, nn.GroupNorm)
    return any(isinstance(part, channels_first) for part in module.modules())


def _batch_first(module: nn.Module) -> bool:
    """Return the first `batch_first` found in a module or its submodules; True if there is none."""
    return next((bool(part.batch_first) for part in module.modules() if hasattr(part, "batch_first")), True)


def leaf_tensors(tree: object) -> list[Tensor]:
    """Return the tensors in nested containers, in order. Dataclasses, frequent as model outputs, are containers."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, Mapping):
        parts: Iterable[object] = tree.values()
    elif isinstance(tree, (tuple, list)):
        parts = tree
    else:
        parts = [getattr(tree, name) for name in getattr(tree, "__dataclass_fields__", ())]
    return [tensor for part in parts for tensor in leaf_tensors(part)]
