"""Convert the output of a module to one row of units per example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.sampling.batches import leaf_tensors
from lightning_infomem.sampling.layout import Layout, layout_of

__all__ = ["PooledRows", "activation_of", "pool_rows"]


class PooledRows(NamedTuple):
    """An output that was pooled before: one row for each example of the batch."""

    rows: Tensor


def activation_of(output: object, module: nn.Module) -> Tensor:
    """Return the tensor in the output of a module that holds its activations.

    In tuples, lists, mappings and dataclasses that is the first tensor. Of a recurrent layer with packed sequences it
    is the last hidden state of each sequence, ``[examples, units]``, of both directions side by side.

    Raises:
        TypeError: The output contains no floating-point tensor.
    """
    if isinstance(module, nn.RNNBase) and isinstance(output, tuple) and isinstance(output[0], PackedSequence):
        state = cast(Tensor, output[1][0] if isinstance(output[1], tuple) else output[1])
        last = state[-2:] if module.bidirectional else state[-1:]
        return last.transpose(0, 1).flatten(1)
    tensor = next(iter(leaf_tensors(output)), None)
    if tensor is None:
        raise UsageTypeError(f"its output holds no tensor (got {type(output).__name__})")
    if not tensor.is_floating_point():
        raise UsageTypeError(f"its output is no floating-point tensor (got {describe(tensor)})")
    return tensor


def pool_rows(
    output: object,
    module: nn.Module,
    rows: Tensor,
    num_rows: int,
    *,
    pooling: str | Callable[[Tensor], Tensor] = "mean",
    mask: Tensor | None = None,
    layout: Layout | None = None,
    owners: Tensor | None = None,
) -> Tensor:
    """Convert the output of one module call to rows of units.

    Dense outputs ``[examples, units]`` are used as they are. Sequences ``[examples, positions, units]`` and feature
    maps ``[examples, units, *positions]`` are pooled over positions, and so are the sequences of a nested tensor, each
    over its own positions. See `activation_of` for other outputs.

    Args:
        output: Output of the module.
        module: Module that was called.
        rows: Indices of the examples to keep, int64, on the CPU.
        num_rows: Number of examples in the batch.
        pooling: Pooling over positions; see `MeasurementSettings`.
        mask: Attention mask ``[examples, positions]``, nonzero for positions that count. It is ignored if its shape
            does not match the output.
        layout: Where examples and units stand in the output; by default as `layout_of` tells.
        owners: Example of each row, int64 ``[output rows]``, if an example has several: the nodes of a graph, say.
            An output with that many rows is pooled over the rows of each example.

    Returns:
        ``[len(rows), units]``, float32 (float64 is kept), detached and copied, so later in-place changes do not
        affect it.

    Raises:
        TypeError: The output contains no floating-point tensor.
        ValueError: The tensor does not have one row per example, or the pooling function returned the wrong shape.
    """
    tensor = activation_of(output, module).detach()
    if tensor.is_nested:
        sequences = tensor.unbind()
        if len(sequences) != num_rows:
            raise UsageValueError(f"its output has {len(sequences)} sequences for {num_rows} examples")
        pooled = _pool_sequences(sequences, rows, pooling)
    elif owners is not None and tensor.ndim == 2 and len(tensor) == len(owners) != num_rows:
        pooled = _pool_sequences(_by_owner(tensor, owners.to(tensor.device), num_rows), rows, pooling)
    else:
        layout = layout or layout_of(module, tensor.shape, num_rows)
        tensor = _examples_first(tensor, layout, num_rows)
        # Index only if needed, so that a large map is not copied just to be averaged.
        tensor = tensor if torch.equal(rows, torch.arange(num_rows)) else tensor[rows]
        if tensor.ndim <= 2:
            pooled = tensor.reshape(len(rows), -1)
        else:
            kept_mask = None if mask is None or mask.shape[0] != num_rows else mask[rows]
            pooled = _pool(tensor, not layout.units_last, pooling, kept_mask)
    # Without copy=True, a conversion to the same dtype would share memory with the network.
    return pooled.to(torch.float64 if pooled.dtype == torch.float64 else torch.float32, copy=True)


def _examples_first(tensor: Tensor, layout: Layout, num_rows: int) -> Tensor:
    """Move the axis of the examples to the front, and the parts of each example to its positions."""
    if tensor.ndim > layout.example_axis:
        tensor = tensor.movedim(layout.example_axis, 0)
    if tensor.ndim < 1 or len(tensor) != num_rows * layout.parts:
        raise UsageValueError(
            f"its output has no row for each of the {num_rows} examples (got {describe(tensor)}); say with examples= "
            "how many examples a batch has, if that is wrong"
        )
    if layout.parts > 1:
        tensor = tensor.reshape(num_rows, layout.parts, *tensor.shape[1:])
        return tensor if layout.units_last else tensor.movedim(2, 1)
    return tensor


def _pool_sequences(sequences: Sequence[Tensor], rows: Tensor, pooling: str | Callable[[Tensor], Tensor]) -> Tensor:
    """Pool sequences of different lengths, each over its own positions."""
    ways: dict[object, Callable[[Tensor], Tensor]] = {
        "mean": lambda each: each.mean(0, dtype=_wide(each)),
        "max": lambda each: each.amax(0),
        "cls": lambda each: each[0],
        "last": lambda each: each[-1],
        "center": lambda each: each[len(each) // 2],
    }
    if pooling not in ways:
        raise UsageValueError(f"sequences of different lengths cannot be pooled by {pooling!r}; use 'mean'")
    return torch.stack([ways[pooling](sequences[row].flatten(0, -2)) for row in rows.tolist()])


def _by_owner(tensor: Tensor, owners: Tensor, num_rows: int) -> Sequence[Tensor]:
    """Return the rows of each example."""
    order = owners.argsort(stable=True)
    return torch.split(tensor[order], owners.bincount(minlength=num_rows).tolist())


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
