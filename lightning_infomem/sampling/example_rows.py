"""Finds how many examples a batch has, from the batch and from what the layers put out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from lightning_infomem.sampling.batches import ExampleCounter, Part, likely_sizes
from lightning_infomem.sampling.layout import time_first

__all__ = ["Examples", "find_examples"]


class Examples(NamedTuple):
    """The examples of a batch: how to count them in others, their number here, and the rows that each has."""

    counter: ExampleCounter
    num_examples: int
    views: int
    is_time_first: bool


def find_examples(
    batch: object,
    parts: Sequence[Part],
    outputs: Sequence[tuple[nn.Module, tuple[int, ...]]],
    examples: int | Callable[[object], object] | None = None,
) -> Examples:
    """Find the number of examples: the size in the batch that most layers have as their number of rows.

    If no layer has a size of the batch as its number of rows, the layers see several views of each example, and most
    have the same multiple of the likeliest size.

    Args:
        batch: Batch that the network ran on.
        parts: Its parts.
        outputs: Module and shape of the output of each layer that may be measured, and of the final layer.
        examples: What the user said; see `MeasurementSettings`.
    """
    in_time = any(time_first(module) for module, _ in outputs)
    if examples is not None:
        counter = ExampleCounter(examples)
        return Examples(counter, counter.count(batch)[0], 1, in_time)
    owned = _owners(parts, outputs)
    if owned is not None:
        counter = ExampleCounter(owners=owned.path)
        return Examples(counter, counter.count(batch)[0], 1, in_time)
    sizes = likely_sizes(parts)
    fits = {size: sum(_fit(module, shape, size) for module, shape in outputs) for size in sizes}
    best = max(sizes, key=lambda size: fits[size], default=0)  # of equals the likeliest
    if best and fits[best]:
        return Examples(_counter(parts, best), best, 1, in_time)
    for size in sizes:
        factors = Counter(shape[0] // size for _, shape in outputs if shape and size > 1 and shape[0] % size == 0)
        if factors and factors.most_common(1)[0][1] * 2 > len(outputs):
            return Examples(_counter(parts, size), size, factors.most_common(1)[0][0], in_time)
    return Examples(ExampleCounter(), sizes[0] if sizes else 0, 1, in_time)


def _fit(module: nn.Module, shape: tuple[int, ...], size: int) -> float:
    """Return how well a size fits as the number of rows of an output: along the first axis best."""
    if len(shape) >= 3 and any(hasattr(part, "batch_first") for part in module.modules()):
        return float(shape[int(time_first(module))] == size)
    if shape and shape[0] == size:
        return 1.0
    return 0.5 if len(shape) == 3 and shape[1] == size else 0.0


def _owners(parts: Sequence[Part], outputs: Sequence[tuple[nn.Module, tuple[int, ...]]]) -> Part | None:
    """Return the tensor that names the example of each row, as batches of graphs have it.

    It counts up from 0 without gaps. Layers have as many rows as it has entries, and others as it has examples.
    """
    rows = {shape[0] for _, shape in outputs if shape}
    for part in parts:
        value = part.value
        if not isinstance(value, Tensor) or value.ndim != 1 or value.is_floating_point() or len(value) not in rows:
            continue
        steps = value.long().diff()
        if int(value[0]) == 0 and bool(((steps == 0) | (steps == 1)).all()):
            count = int(value[-1]) + 1
            if count in rows and count != len(value):
                return part
    return None


def _counter(parts: Sequence[Part], size: int) -> ExampleCounter:
    for axis in (0, 1):
        for part in parts:
            if dict(part.sizes()).get(axis) == size:
                return ExampleCounter(path=part.path, axis=axis)
    return ExampleCounter()
