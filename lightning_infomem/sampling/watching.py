"""Sample a loop over batches, on any number of processes, as if it ran in one process."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, IterableDataset

from lightning_infomem._lightning import is_compiled_module
from lightning_infomem.sampling.layers import find_head, select_layers
from lightning_infomem.sampling.ranks import Ranks
from lightning_infomem.sampling.samples import SamplePlan
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.settings import MeasurementSettings

__all__ = ["Watch", "count_loaders", "is_compiled", "loader_of", "share_of_rank"]


class Watch:
    """Hooks and other state needed to sample a Trainer's loop, active until `close`.

    Args:
        model: Network whose layers are captured.
        layers: Layers to capture; see `sampling.layers.select_layers`.
        settings: Settings for rows, units and pooling.
        loader: DataLoader that is sampled; it determines which rows of a rank are duplicates.
        ranks: Ranks that train together.
    """

    def __init__(
        self, model: nn.Module, layers: Any, settings: MeasurementSettings, loader: object, ranks: Ranks
    ) -> None:
        self._open = ExitStack()
        rank, size, length = share_of_rank(loader, ranks)
        plan = SamplePlan(
            settings.max_samples, settings.max_units, settings.seed, rank=rank, num_ranks=size, length=length
        )
        chosen = select_layers(model, layers)
        tap = ActivationTap(chosen, plan, settings.pooling, head=find_head(model, chosen))
        self.tap = self._open.enter_context(tap)
        if is_compiled(model):
            # A hook registered after compilation silently never runs.
            self._open.enter_context(torch.compiler.set_stance("force_eager"))

    def close(self) -> None:
        """Remove the hooks and restore all state."""
        self._open.close()


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


def share_of_rank(loader: object, ranks: Ranks) -> tuple[int, int, int | None]:
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


def is_compiled(model: nn.Module) -> bool:
    """Whether the network or a part of it is compiled, so that new hooks would be bypassed."""
    return is_compiled_module(model) or any(
        hasattr(part, "_orig_mod") or getattr(part, "_compiled_call_impl", None) is not None for part in model.modules()
    )
