"""What a batch holds: its tensors and lists, the number of its examples, labels, an attention mask, digests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = [
    "ExampleCounter",
    "Part",
    "attention_mask",
    "find_labels",
    "input_tensors",
    "leaf_tensors",
    "likely_sizes",
    "mark_examples",
    "parts_of",
]

_DEPTH = 5  # of containers and objects within a batch
_CHUNK = 2**22  # values hashed at a time


class Part(NamedTuple):
    """A tensor of a batch, or a list of examples, with the way to it."""

    path: tuple[object, ...]
    value: Tensor | Sequence[object]

    def parts_per_example(self, num_examples: int) -> int:
        """Return the size of the second axis if it may count the parts of each example: the frames of a clip."""
        if not isinstance(self.value, Tensor) or self.value.is_nested or self.value.ndim < 3:
            return 1
        return self.value.shape[1] if len(self.value) == num_examples else 1

    def sizes(self) -> list[tuple[int, int]]:
        """Return (axis, size) of the axes that may count the examples: the first two."""
        if not isinstance(self.value, Tensor):
            return [(0, len(self.value))]
        return list(enumerate(self.value.shape[:2])) if not self.value.is_nested else [(0, self.value.size(0))]


def parts_of(batch: object) -> list[Part]:
    """Return the tensors and the lists of examples in a batch, in order.

    Mappings, tuples, lists, dataclasses and objects with attributes (the batches of graph libraries) are searched, but
    not the objects that such an object refers to: a whole data set, for instance.
    """
    return list(_parts(batch, (), _DEPTH))


def _parts(tree: object, path: tuple[object, ...], depth: int, *, in_object: bool = False) -> Iterator[Part]:
    if isinstance(tree, Tensor):
        if tree.ndim:
            yield Part(path, tree)
        return
    is_object = not isinstance(tree, (Mapping, tuple, list))
    if isinstance(tree, (str, bytes, nn.Module, type)) or not depth or (is_object and in_object):
        return
    if isinstance(tree, (tuple, list)) and _is_list_of_examples(tree, is_batch=not path):
        yield Part(path, tree)
        return
    for key, part in _entries(tree):
        yield from _parts(part, (*path, key), depth - 1, in_object=in_object or is_object)


def _entries(tree: object) -> Iterable[tuple[object, object]]:
    if isinstance(tree, Mapping):
        return list(tree.items())
    if isinstance(tree, (tuple, list)):
        return list(enumerate(tree))
    to_dict = getattr(tree, "to_dict", None)
    if callable(to_dict):  # graph libraries keep their tensors apart from the object's attributes
        try:
            found = to_dict()
        except Exception:  # the user's object may do anything
            found = None
        if isinstance(found, Mapping):
            return list(found.items())
    return [(name, value) for name, value in getattr(tree, "__dict__", {}).items() if not name.startswith("_")]


def _is_list_of_examples(tree: Sequence[object], *, is_batch: bool) -> bool:
    """Whether each entry is an example: a text, a mapping, an object, or a tensor that has not all examples itself.

    Tensors are examples if their lengths differ, if they are more than the first axis of each is long, or if they are
    images of different sizes. Else they are several inputs of the same examples.
    """
    if len(tree) < 2 or len({type(entry) for entry in tree}) > 1:
        return False
    if not isinstance(tree[0], Tensor):
        return isinstance(tree[0], (str, Mapping)) or hasattr(tree[0], "__dict__")
    shapes = [tuple(entry.shape) for entry in tree if isinstance(entry, Tensor)]
    if is_batch or len({len(shape) for shape in shapes}) > 1:
        return False
    lengths = {shape[0] if shape else 4 for shape in shapes}
    are_images = len(shapes[0]) == 3 and lengths <= {1, 3} and len(set(shapes)) > 1
    return len(lengths) > 1 or len(shapes) > max(lengths) or are_images


def likely_sizes(parts: Sequence[Part]) -> list[int]:
    """Return the sizes that may be the number of examples, the likeliest first, judged by the batch alone.

    Integers with one dimension are mostly labels, and count most; leading dimensions count more than second ones.
    """
    votes: Counter[int] = Counter()
    for part in parts:
        if not isinstance(part.value, Tensor):
            votes[len(part.value)] += 4
            continue
        is_integer = not part.value.is_floating_point() and not part.value.is_complex()
        for axis, size in part.sizes():
            if axis == 0:
                votes[size] += (6 if is_integer else 1) if part.value.ndim == 1 else 4
            else:
                votes[size] += 1
    return [size for size, _ in votes.most_common()]


@dataclass(frozen=True)
class ExampleCounter:
    """Counts the examples of a batch in the way that was found on an earlier one.

    Args:
        examples: Number of examples in every batch; or a function of the batch that returns it, or that returns the
            example of each row as an integer tensor ``[rows]``; None if the batch shows it.
        path: Way to the tensor or list whose size is the number.
        axis: Its axis.
        owners: Way to the integer tensor ``[rows]`` that names the example of each row, as in batches of graphs.
    """

    examples: int | Callable[[object], object] | None = None
    path: tuple[object, ...] | None = None
    axis: int = 0
    owners: tuple[object, ...] | None = None

    def count(self, batch: object) -> tuple[int, Tensor | None]:
        """Return the number of examples, and the example of each row if rows are parts of examples.

        Raises:
            TypeError, ValueError: ``examples`` is or returns anything but a count or the examples of the rows.
        """
        if self.examples is not None:
            return _given(self.examples, batch)
        values = {part.path: part for part in parts_of(batch)}
        if self.owners is not None and self.owners in values:
            rows = values[self.owners].value
            if isinstance(rows, Tensor) and rows.numel():
                return int(rows.max()) + 1, rows
        if self.path is not None and self.path in values:
            sizes = dict(values[self.path].sizes())
            if self.axis in sizes:
                return sizes[self.axis], None
        return next(iter(likely_sizes(list(values.values()))), 0), None


def _given(examples: int | Callable[[object], object], batch: object) -> tuple[int, Tensor | None]:
    found = examples(batch) if callable(examples) else examples
    if isinstance(found, Tensor) and found.ndim == 0:
        found = int(found)
    if isinstance(found, int) and not isinstance(found, bool):
        if found < 0:
            raise UsageValueError(f"examples: a number of examples is required, got {found}.")
        return found, None
    if isinstance(found, Tensor) and found.ndim == 1 and not found.is_floating_point():
        return (int(found.max()) + 1 if found.numel() else 0), found
    raise UsageTypeError(
        "examples: the number of examples in a batch, or an integer tensor with the example of each row, is required, "
        f"got {describe(found)}."
    )


def find_labels(parts: Sequence[Part], num_examples: int, num_classes: int) -> Tensor | None:
    """Return the integer labels in a batch: int64 ``[examples]``; None if no tensor can be labels of these classes.

    Numbers that only grow are indices of examples, not labels. Entries of -100 have no label.
    """
    for part in parts:
        value = part.value
        if not isinstance(value, Tensor) or value.is_floating_point() or value.is_complex() or value.is_nested:
            continue
        if value.dtype == torch.bool or value.shape not in ((num_examples,), (num_examples, 1)):
            continue
        labels = value.detach().reshape(-1).long().cpu()
        known = labels[labels != -100]
        is_index = len(known) > 2 and bool((known.diff() > 0).all())
        if len(known) and not is_index and int(known.min()) >= 0 and int(known.max()) < num_classes:
            return labels
    return None


def input_tensors(parts: Sequence[Part], num_examples: int) -> list[tuple[Tensor, int]]:
    """Return the tensors that describe the examples, each with the axis of the examples.

    Tensors with one value per example are mostly labels: they describe the examples only if the batch has nothing else,
    neither lists nor tensors with other rows, such as the nodes of graphs.
    """
    found: list[tuple[Tensor, int]] = []
    for part in parts:
        if isinstance(part.value, Tensor):
            axis = next((axis for axis, size in part.sizes() if size == num_examples), None)
            if axis is not None:
                found.append((part.value, axis))
    many = [(value, axis) for value, axis in found if value.is_nested or value.ndim > 1]
    return many or (found if len(found) == len(parts) else [])


def mark_examples(parts: Sequence[Part], num_examples: int, rows: Tensor) -> Tensor | None:
    """Hash all numbers of each example in tensors with several for each, or, if there are none, in the others.

    Batches without such tensors may have a list of images or texts, whose entries are hashed.

    Equal inputs get equal numbers, whatever the batch, the device, and the number of threads: the hash is a sum of
    integers.

    Args:
        parts: Parts of the batch.
        num_examples: Number of examples in the batch.
        rows: Indices of the examples to hash, int64.

    Returns:
        int64 ``[len(rows), 1]`` on the CPU. None if no tensor has one row per example, or its values cannot be read
        (sparse, nested, sharded); recognising inputs is not worth failing a run.
    """
    marks: Tensor | None = None
    try:
        for value, axis in input_tensors(parts, num_examples):
            found = _hash_rows(value.detach().movedim(axis, 0)[rows.to(value.device)])
            marks = found if marks is None else marks * _MULTIPLIER + found
        if marks is None:
            marks = _hash_list(parts, num_examples, rows)
    except Exception:  # the user's network may take any kind of tensor
        return None
    return None if marks is None or not marks.numel() else marks.cpu()[:, None]


_MULTIPLIER = 0x5851F42D4C957F2D


def _hash_rows(values: Tensor) -> Tensor:
    """Return a number per row: the sum of its values' bits, each times an odd random factor, modulo 2**64."""
    plain = values.reshape(len(values), -1)
    if plain.is_complex():
        plain = torch.view_as_real(plain).flatten(1)
    # float64 represents every other dtype exactly, so the same numbers are marked alike in any dtype.
    count = max(1, _CHUNK // max(1, plain.shape[1]))
    factors = _factors(plain.shape[1]).to(plain.device)
    sums = []
    for some in torch.split(plain, count):
        bits = (some.to(torch.float64) + 0.0).view(torch.int64)  # -0.0 becomes 0.0
        bits = bits ^ (bits >> 29)  # the low bits of short numbers are all zero
        sums.append((bits * factors).sum(1))
    return torch.cat(sums) if sums else torch.zeros(0, dtype=torch.int64)


def _hash_list(parts: Sequence[Part], num_examples: int, rows: Tensor) -> Tensor | None:
    """Return a number for each entry of the first list of images or texts; None if there is no such list."""
    for part in parts:
        if isinstance(part.value, Tensor) or len(part.value) != num_examples:
            continue
        entries = [part.value[row] for row in rows.tolist()]
        if all(isinstance(entry, (Tensor, str)) for entry in entries):
            return torch.tensor([_hash_entry(entry) for entry in entries], dtype=torch.int64)
    return None


def _hash_entry(entry: object) -> int:
    if isinstance(entry, Tensor):  # of any size
        return int(_hash_rows(entry.detach().reshape(1, -1))) ^ hash(tuple(entry.shape))
    return int.from_bytes(blake2b(str(entry).encode(), digest_size=8).digest(), "little", signed=True)


def _factors(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(-(2**63), 2**63 - 1, (count,), generator=generator, dtype=torch.int64) | 1


def attention_mask(batch: object) -> Tensor | None:
    """Return the attention mask of a batch that is, or contains, a mapping with one."""
    if isinstance(batch, Mapping):
        mask = batch.get("attention_mask")
        return mask if isinstance(mask, Tensor) and mask.ndim == 2 else None
    if isinstance(batch, (tuple, list)):
        return next((mask for part in batch if (mask := attention_mask(part)) is not None), None)
    return None


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
