"""Find the training examples nearest to each input of the probe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from scipy import sparse
from torch import Tensor

from lightning_infomem._checks import check_batches, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.functional.bag_of_tokens import bag_of_tokens, inverse_document_frequency
from lightning_infomem.functional.leave_one_out_accuracy import leave_one_out_accuracy
from lightning_infomem.functional.nearest_neighbors import nearest_neighbors
from lightning_infomem.records.training_neighbors import TrainingNeighbors
from lightning_infomem.sampling.batches import (
    ExampleCounter,
    attention_mask,
    find_labels,
    input_tensors,
    mark_examples,
    parts_of,
)

__all__ = ["NUM_NEIGHBORS", "find_training_neighbors"]

NUM_NEIGHBORS = 5
_MOST_CLASSES = 2**31  # of labels that are only looked for


class _Example(NamedTuple):
    """The examples of one batch."""

    marks: Tensor  # int64 [examples]
    values: Tensor  # [examples, units], or token ids [examples, positions]
    mask: Tensor | None  # of the token ids
    labels: Tensor | None  # int64 [examples]


def find_training_neighbors(
    inputs: Tensor,
    data: Iterable[Any],
    training: Iterable[Any],
    *,
    features: Callable[[Any], Tensor] | None = None,
    num_classes: int,
) -> TrainingNeighbors:
    """Find the training examples nearest to each input of the probe, and their labels as they were given.

    Args:
        inputs: Marks of the inputs, int64 ``[inputs]``, increasing; see `Predictions`.
        data: Batches that hold these inputs, such as the validation loader.
        training: Batches of training examples with integer labels as they come, wrong ones included. Augmentation is
            better left out.
        features: Function of a batch that returns features ``[examples, units]`` in which near examples are alike: an
            encoder that was not trained on these labels, because one that was has stored them. By default the inputs
            themselves: all numbers of each; of token ids the weighted counts, whatever their order.
        num_classes: Number of classes.

    Raises:
        TypeError: ``features`` returns no tensor, or an argument is of the wrong kind.
        ValueError: An input is not in ``data``, labels are missing or out of range, there are too few training
            examples, or features do not match.

    Cost:
        One pass over both, and a product of matrices, time ``training * (training + inputs) * units``.
    """
    check_batches(data, name="data")
    check_batches(training, name="training")
    probe = _join(_read(data, features, name="data"), name="data")
    places = _places(probe.marks, inputs)
    known = _join(_read(training, features, name="training", num_classes=num_classes), name="training")
    assert known.labels is not None
    labelled = known.labels >= 0
    labels, marks = known.labels[labelled], known.marks[labelled]
    if len(labels) <= NUM_NEIGHBORS:
        raise UsageValueError(
            f"training: more than {NUM_NEIGHBORS} labelled examples are required, got {len(labels)}; give the whole "
            "training loader."
        )
    queries, rows = _comparable(probe, known, places, labelled, is_given=features is not None)
    shared = torch.isin(inputs, marks)
    spare = 1 if bool(shared.any()) else 0
    found = nearest_neighbors(queries, rows, min(NUM_NEIGHBORS + spare, len(labels))).indices
    if spare:
        found = _without_itself(found, marks, inputs)
    trust = leave_one_out_accuracy(rows, labels, NUM_NEIGHBORS)
    is_text = sparse.issparse(rows)
    words = "features=" if features is not None else "counts of tokens" if is_text else "the inputs as they are"
    return TrainingNeighbors(
        inputs=inputs,
        labels=labels[found],
        num_training=len(labels),
        leave_one_out=float(trust.accuracy),
        standard_error=float(trust.standard_error),
        chance=float(trust.chance),
        features=words,
        num_shared=int(shared.sum()),
    )


def _read(
    batches: Iterable[Any], features: Callable[[Any], Tensor] | None, *, name: str, num_classes: int | None = None
) -> Iterator[_Example]:
    """Read the examples of each batch; with a number of classes their labels too."""
    for batch in batches:
        parts = parts_of(batch)
        count, _ = ExampleCounter().count(batch)
        marks = mark_examples(parts, count, torch.arange(count))
        if marks is None:
            raise UsageValueError(
                f"{name}: batches with tensors of several numbers for each example are required, got {describe(batch)}."
            )
        labels = None
        if num_classes is not None:
            labels = find_labels(parts, count, _MOST_CLASSES)
            if labels is None:
                raise UsageValueError(
                    f"{name}: batches with one integer label for each example are required, got {describe(batch)}; "
                    "give the training loader as it is, or leave training= out."
                )
            if int(labels.max()) >= num_classes:
                raise UsageValueError(
                    f"{name}: labels from 0 to {num_classes - 1} are required, because the networks have that many "
                    f"classes, got {int(labels.max())}; give the labels that they were trained on."
                )
        values, mask = _values(batch, parts, count, features, name=name)
        yield _Example(marks[:, 0], values, mask, labels)


def _values(
    batch: Any, parts: Any, count: int, features: Callable[[Any], Tensor] | None, *, name: str
) -> tuple[Tensor, Tensor | None]:
    if features is not None:
        with torch.no_grad():
            encoded = features(batch)
        if not isinstance(encoded, Tensor) or not encoded.is_floating_point():
            raise UsageTypeError(
                f"features: a function that returns a floating-point tensor is required, got {describe(encoded)} for a "
                f"batch of {name}."
            )
        if len(encoded) != count:
            raise UsageValueError(
                f"features: one row for each of {count} examples is required, got {describe(encoded)} for a batch of "
                f"{name}."
            )
        return encoded.detach().cpu().reshape(count, -1), None
    mask = attention_mask(batch)
    found = [(value, axis) for value, axis in input_tensors(parts, count) if value is not mask]
    tensors = [value.detach().movedim(axis, 0) for value, axis in found]
    numbers = [value for value in tensors if value.is_floating_point()]
    if numbers:
        return torch.cat([value.reshape(count, -1).cpu().double() for value in numbers], dim=1), None
    if tensors and all(value.ndim == 2 and _is_of_ids(value) for value in tensors):
        # The others, such as the segments of a text or the places of its tokens, are numbered from 0.
        return max(tensors, key=lambda value: int(value.max())).cpu(), None if mask is None else mask.cpu()
    if tensors:  # images as bytes
        return torch.cat([value.reshape(count, -1).cpu().double() for value in tensors], dim=1), None
    raise UsageValueError(
        f"{name}: batches of tensors are required, got {describe(batch)}; give features=, a function of the batch that "
        "returns features [examples, units]."
    )


def _is_of_ids(values: Tensor) -> bool:
    return values.dtype in (torch.int32, torch.int64)


def _join(examples: Iterable[_Example], *, name: str) -> _Example:
    found = list(examples)
    if not found:
        raise UsageValueError(f"{name}: at least one batch is required, got none.")
    marks = torch.cat([each.marks for each in found])
    labels = None if found[0].labels is None else torch.cat([each.labels for each in found if each.labels is not None])
    # Texts are padded to the longest of their batch; a place beyond the end holds no token.
    is_text = all(_is_of_ids(each.values) for each in found)
    widths = {each.values.shape[1] for each in found}
    if not is_text and len(widths) > 1:
        raise UsageValueError(
            f"{name}: examples of one size are required, got {', '.join(map(str, sorted(widths)))} numbers each; give "
            "features=, a function of the batch that returns features [examples, units]."
        )
    if not is_text:
        return _Example(marks, torch.cat([each.values for each in found]), None, labels)
    longest = max(widths)
    values, masks = [], []
    for each in found:
        room = longest - each.values.shape[1]
        mask = torch.ones_like(each.values) if each.mask is None else each.mask.long()
        values.append(torch.nn.functional.pad(each.values.long(), (0, room)))
        masks.append(torch.nn.functional.pad(mask, (0, room)))
    return _Example(marks, torch.cat(values), torch.cat(masks), labels)


def _places(marks: Tensor, inputs: Tensor) -> Tensor:
    """Return the row of each input among the marks, the first if several are equal."""
    ordered, order = marks.sort(stable=True)
    places = torch.searchsorted(ordered, inputs).clamp(max=max(len(ordered) - 1, 0))
    missing = ordered[places] != inputs
    if bool(missing.any()):
        raise UsageValueError(
            f"data: the inputs that the checkpoints were measured on are required, got batches without "
            f"{int(missing.sum())} of {len(inputs)}; give the validation loader that the monitor sampled, with the "
            "same transforms and without shuffling its augmentation."
        )
    return order[places]


def _comparable(
    probe: _Example, training: _Example, places: Tensor, labelled: Tensor, *, is_given: bool
) -> tuple[Any, Any]:
    """Return features of the inputs and of the training examples, in one space."""
    queries, rows = probe.values[places], training.values[labelled]
    if not is_given and _is_of_ids(rows) and _is_of_ids(queries):
        assert training.mask is not None
        assert probe.mask is not None
        mask = training.mask[labelled]
        weights = inverse_document_frequency(rows, mask)
        return bag_of_tokens(queries, weights, probe.mask[places]), bag_of_tokens(rows, weights, mask)
    if queries.shape[1] != rows.shape[1]:
        raise UsageValueError(
            f"training: examples of the size of data, {queries.shape[1]} numbers, are required, got {rows.shape[1]}; "
            "give both with the same transforms."
        )
    for name, values in (("data", queries), ("training", rows)):
        if values.is_floating_point() and not bool(values.isfinite().all()):
            raise UsageValueError(
                f"{name}: finite {'features' if is_given else 'numbers'} of each example are required, got NaN or "
                "infinity; leave out those examples."
            )
    return queries.double(), rows.double()


def _without_itself(found: Tensor, marks: Tensor, inputs: Tensor) -> Tensor:
    """Leave out one neighbour of each input: the training example that is the input itself, else the farthest."""
    is_itself = marks[found] == inputs[:, None]
    itself = torch.where(is_itself.any(1), is_itself.long().argmax(1), found.shape[1] - 1)
    keep = torch.arange(found.shape[1]) != itself[:, None]
    return found[keep].reshape(len(found), -1)
