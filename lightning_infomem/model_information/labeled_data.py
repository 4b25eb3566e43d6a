"""Labelled samples in the order in which they are coded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from lightning_infomem._checks import check_classes, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.offline.content_digests import digest

__all__ = ["Data", "LabeledData", "check_data_pairs", "labels_of"]

Data: TypeAlias = "tuple[Tensor, Tensor] | Dataset[Any] | DataLoader[Any]"

_BATCH_SIZE = 32


class LabeledData:
    """Labelled samples of any form, shuffled once by a seed and loaded in parts.

    Args:
        data: A pair of tensors (inputs, labels); a map-style dataset of (input, label) pairs or of mappings with a
            "labels" or "label" entry; or a DataLoader over such a dataset. A DataLoader's batch size, collation and
            workers are kept, but not its order.
        batch_size: Batch size of every loader. None takes the DataLoader's batch size, or 32 without one.
        seed: Seed for the order of the samples.

    Attributes:
        labels: int64 ``[samples]``, in coding order.

    Raises:
        TypeError: The data have another form, or the labels are not integers.
        ValueError: The numbers of inputs and labels differ, a label is negative, or there are no samples.
    """

    def __init__(self, data: Data, *, batch_size: int | None = None, seed: int = 0) -> None:
        rows: Any = data
        self._loading: dict[str, Any] = {"batch_size": batch_size or _BATCH_SIZE}
        self._inputs: Tensor | None = None
        if isinstance(data, DataLoader):
            self._loading = {
                "batch_size": batch_size or data.batch_size or _BATCH_SIZE,
                "collate_fn": data.collate_fn,
                "num_workers": data.num_workers,
                "pin_memory": data.pin_memory,
            }
            rows = data.dataset
        if isinstance(rows, (tuple, list)) and len(rows) == 2 and all(isinstance(part, Tensor) for part in rows):
            self._inputs, labels = rows
            labels = check_classes(labels, paired=self._inputs)
            rows = _TensorRows(self._inputs, labels)
            self._loading["collate_fn"] = _unchanged
        if isinstance(rows, IterableDataset) or not hasattr(rows, "__getitem__") or not hasattr(rows, "__len__"):
            raise UsageTypeError(
                "data: a pair of tensors (inputs, labels), a map-style dataset with a length, or a DataLoader of one "
                f"is required, got {type(rows).__name__}; put the samples into one of these."
            )
        if len(rows) == 0:
            raise UsageValueError("data: at least one sample is required, got none; give more.")
        self._data = rows
        generator = torch.Generator().manual_seed(seed)
        self._order: list[int] = torch.randperm(len(rows), generator=generator).tolist()
        self.labels = torch.cat([labels_of(batch) for batch in self.part(0, len(self._order))])
        check_classes(self.labels)

    @classmethod
    def of(cls, data: Data | LabeledData, settings: CodelengthSettings) -> LabeledData:
        """Wrap data with the batch size and seed of the settings; `LabeledData` is returned unchanged."""
        return data if isinstance(data, LabeledData) else cls(data, batch_size=settings.batch_size, seed=settings.seed)

    def __len__(self) -> int:
        return len(self._order)

    def part(self, start: int, stop: int, *, shuffle_seed: int | None = None) -> DataLoader[Any]:
        """Return a loader of the samples from ``start`` to ``stop``, in coding order or reshuffled every epoch.

        A shuffled loader drops a last batch of one sample, because batch normalisation fails on it.
        """
        is_shuffled, size = shuffle_seed is not None, self._loading["batch_size"]
        # Always pass a generator: without one, a loader draws from the global generator when it starts.
        return DataLoader(
            Subset(self._data, self._order[start:stop]),
            shuffle=is_shuffled,
            drop_last=is_shuffled and stop - start > size > 1 and (stop - start) % size == 1,
            generator=torch.Generator().manual_seed(shuffle_seed or 0),
            **self._loading,
        )

    def digest(self) -> str:
        """Return a digest of the coding order, the labels, and the inputs if they are a tensor.

        Inputs from a dataset are left out, because they may change on every read, as augmented images do.
        """
        return digest([self._order, self.labels, self._inputs])


def labels_of(batch: Any) -> Tensor:
    """Return the labels of a batch: its second element, or its "labels" or "label" entry.

    Raises:
        TypeError: There are no labels, or they are not integers.
    """
    found: object = None
    if isinstance(batch, Mapping):
        found = batch.get("labels", batch.get("label"))
    elif isinstance(batch, Sequence) and len(batch) > 1:
        found = batch[1]
    if not isinstance(found, Tensor) or found.ndim != 1 or found.is_floating_point() or found.is_complex():
        raise UsageTypeError(
            "data: batches (inputs, labels), or mappings with an entry 'labels', with one class index per sample are "
            f"required, got labels that are {describe(found)}; convert them."
        )
    return found.long()


def check_data_pairs(pairs: object, *, name: str, minimum: int = 1) -> None:
    """Require a mapping from at least ``minimum`` names to pairs (training data, held-out data)."""
    if not isinstance(pairs, Mapping):
        raise UsageTypeError(
            f"{name}: a mapping from names to pairs (training data, held-out data) is required, got {describe(pairs)}; "
            "give {'name': (training, held_out)}."
        )
    if len(pairs) < minimum:
        raise UsageValueError(f"{name}: {minimum} or more are required, got {list(pairs)}; add one.")
    for key, pair in pairs.items():
        is_sequence = isinstance(pair, (tuple, list))
        if not is_sequence or len(pair) != 2 or any(isinstance(part, Tensor) for part in pair):
            came = [type(part).__name__ for part in pair] if is_sequence else type(pair).__name__
            raise UsageTypeError(
                f"{name}[{key!r}]: a pair (training data, held-out data) is required, got {came}; split the samples, "
                "and give each part as (inputs, labels), a dataset or a DataLoader."
            )


class _TensorRows(Dataset[Any]):
    """Rows of tensors; a whole batch is one indexing operation."""

    def __init__(self, inputs: Tensor, labels: Tensor) -> None:
        self._inputs, self._labels = inputs, labels

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return self._inputs[row], self._labels[row]

    def __getitems__(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        return self._inputs[rows], self._labels[rows]


def _unchanged(batch: Any) -> Any:
    return batch
