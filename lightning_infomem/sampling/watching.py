"""Sample a loop over batches, on any number of processes, as if it ran in one process."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, IterableDataset

from lightning_infomem.sampling.network_plan import NetworkPlan
from lightning_infomem.sampling.ranks import Ranks
from lightning_infomem.sampling.reading import NetworkReader
from lightning_infomem.sampling.samples import SamplePlan
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.sampling.task import TaskEvidence
from lightning_infomem.settings import MeasurementSettings

__all__ = ["Share", "Watch", "count_loaders", "loader_of", "share_of_rank"]

Share = tuple[int, int, int | None]  # rank, size, length; see `share_of_rank`


class Watch:
    """Samples the batches that run through a network between `open_batch` and `close_batch`, until `close`.

    The first batch shows what the network is, unless that is known; its rows count like those of any other.

    Args:
        model: Network whose layers are captured.
        layers: Layers to capture; see `NetworkReader`.
        settings: Settings for rows, units, pooling, task and examples.
        share: Rows of the stream that this process sees; see `share_of_rank`.
        network: How the network was read before, by a Watch of the same layers.
        evidence: What was seen of the task before.
        trained: Ids of the parameters that are trained; by default those that require gradients.
        only_read: Whether to read the network from the first batch and sample nothing.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Any,
        settings: MeasurementSettings,
        share: Share = (0, 1, None),
        *,
        network: NetworkPlan | None = None,
        evidence: TaskEvidence | None = None,
        trained: Collection[int] | None = None,
        only_read: bool = False,
    ) -> None:
        self._settings, self._share, self._only_read = settings, share, only_read
        self.network, self.evidence = network, evidence
        self._open = ExitStack()
        self._reader: NetworkReader | None = None
        self._tap: ActivationTap | None = None
        self._batch: object = None
        self._open.enter_context(_without_compiled_code())
        if network is not None:
            self._tap = self._open.enter_context(self._make_tap(network))
        else:
            self._reader = NetworkReader(
                model,
                layers,
                settings,
                trained=trained,
                keep=not only_read,
            )

    @property
    def tap(self) -> ActivationTap:
        """What was captured; nothing if no batch came."""
        return self._tap or self._make_tap(NetworkPlan({}))

    def open_batch(self, batch: object) -> None:
        """Begin to watch a batch."""
        if self._tap is not None:
            self._tap.open_batch(batch)
        elif self._reader is not None:
            self._batch = batch
            self._open.enter_context(self._reader)
            self._reader.open_batch(batch)

    def close_batch(self) -> None:
        """Keep the rows of the batch."""
        if self._tap is not None:
            self._tap.close_batch()
        elif self._reader is not None:
            reader, self._reader = self._reader, None
            self.network, self.evidence = reader.read(), reader.evidence
            if not self._only_read:
                self._tap = self._open.enter_context(self._make_tap(self.network))
                self._tap.open_batch(self._batch)
                for name, module in self.network.modules.items():
                    if name in reader.kept:
                        self._tap.see(module, reader.kept[name])
                self._tap.close_batch()
            self._batch = None

    def close(self) -> None:
        """Remove the hooks and restore all state."""
        self._open.close()

    def _make_tap(self, network: NetworkPlan) -> ActivationTap:
        settings, (rank, size, length) = self._settings, self._share
        count = max(1, settings.max_samples // network.views)
        plan = SamplePlan(count, settings.max_units, settings.seed, rank=rank, num_ranks=size, length=length)
        layers = {name: network.modules[name] for name in network.layers}
        head = None if network.head is None else network.modules[network.head]
        tap = ActivationTap(layers, plan, settings.pooling, head, network, self.evidence)
        tap.skipped |= network.left_out
        return tap


@contextmanager
def _without_compiled_code() -> Iterator[None]:
    """Run no compiled code, because hooks that are registered after compilation silently never run in it.

    Watches may end in any order, so the last one restores how torch runs.
    """
    global _num_eager, _stance
    if "torch._dynamo" not in sys.modules:  # nothing can be compiled
        yield
        return
    # Our hooks see a compiled module twice, as they may; torch would warn the user of it.
    warnings.filterwarnings("ignore", message=r"Using `torch\.compile\(module\)` when there are global hooks")
    if not _num_eager:
        _stance = torch.compiler.set_stance("force_eager")
    _num_eager += 1
    try:
        yield
    finally:
        _num_eager -= 1
        if not _num_eager:
            _stance.__exit__(None, None, None)


_num_eager = 0
_stance: Any = None


def loader_of(loaders: object, index: int) -> object:
    """Return the loader with the given index from a Trainer's loaders: one, or nested lists and mappings."""
    flat = _flat(loaders)
    return flat[index] if index < len(flat) else None


def count_loaders(loaders: object) -> int:
    """Return the number of a Trainer's loaders."""
    return 0 if loaders is None else len(_flat(loaders))


def _flat(loaders: object) -> list[object]:
    if isinstance(loaders, Mapping):
        loaders = list(loaders.values())
    if isinstance(loaders, (list, tuple)):
        return [leaf for part in loaders for leaf in _flat(part)]
    return [loaders]


def share_of_rank(loader: object, ranks: Ranks) -> Share:
    """Determine which rows of a stream a loader gives this rank: row j has position j * size + rank.

    Returns:
        Rank, size, and the length of the stream, None if unknown; rows beyond the length are duplicates.
    """
    rank, size, length = ranks.rank, ranks.size, None
    if size > 1 and isinstance(loader, DataLoader) and not isinstance(loader.dataset, IterableDataset):
        sampler = getattr(loader.batch_sampler, "sampler", loader.sampler)
        if isinstance(sampler, DistributedSampler):
            rank, size, length = sampler.rank, sampler.num_replicas, len(sampler.dataset)  # type: ignore[arg-type]
        elif rank:
            length = 0  # the data are not divided: every rank sees all of them, and rank 0 is enough
        else:
            size = 1
    return rank, size, length
