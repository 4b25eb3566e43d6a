"""From a loop over batches, on any number of processes, to the rows that one process would have kept."""

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

__all__ = ["Watch", "is_compiled", "loader_of", "share_of_rank"]


class Watch:
    """Hooks, and all else that must be in place while a loop of a Trainer is sampled, until it is closed.

    Args:
        model: whose layers are watched.
        layers: see `sampling.layers.select_layers`.
        settings: which rows and units are kept, and pooling.
        loader: the one that is sampled; tells which rows of a rank are repetitions.
        ranks: who trains together.
    """

    def __init__(
        self, model: nn.Module, layers: Any, settings: MeasurementSettings, loader: object, ranks: Ranks
    ) -> None:
        self._open = ExitStack()
        plan = _plan(settings, loader, ranks)
        chosen = select_layers(model, layers)
        tap = ActivationTap(chosen, plan, settings.pooling, head=find_head(model, chosen))
        self.tap = self._open.enter_context(tap)
        if is_compiled(model):
            # A hook put on after compilation never runs, and nothing says so.
            self._open.enter_context(torch.compiler.set_stance("force_eager"))

    def close(self) -> None:
        """Leave nothing behind."""
        self._open.close()


def loader_of(loaders: object, index: int) -> object:
    """The loader of that index among what a Trainer holds: one, or lists and mappings of them."""
    flat = _flat(loaders)
    return flat[index] if index < len(flat) else None


def _flat(loaders: object) -> list[object]:
    if isinstance(loaders, Mapping):
        loaders = list(loaders.values())
    if isinstance(loaders, (list, tuple)):
        return [leaf for part in loaders for leaf in _flat(part)]
    return [loaders]


def _plan(settings: MeasurementSettings, loader: object, ranks: Ranks) -> SamplePlan:
    """Which rows this rank keeps of the stream that all ranks share."""
    rank, size, length = share_of_rank(loader, ranks)
    return SamplePlan(settings.max_samples, settings.max_units, settings.seed, rank=rank, num_ranks=size, length=length)


def share_of_rank(loader: object, ranks: Ranks) -> tuple[int, int, int | None]:
    """Which rows of a stream a loader gives this rank: row j has the place j * size + rank.

    Returns:
        Rank, size, and the length of the stream, None where it is not known; what comes after it is repetition.
    """
    rank, size, length = ranks.rank, ranks.size, None
    if size > 1 and isinstance(loader, DataLoader) and not isinstance(loader.dataset, IterableDataset):
        sampler = getattr(loader.batch_sampler, "sampler", loader.sampler)
        if isinstance(sampler, DistributedSampler):
            rank, size, length = sampler.rank, sampler.num_replicas, len(sampler.dataset)  # type: ignore[arg-type]
        elif rank:
            length = 0  # nobody divides the data: every rank sees all of it, and rank 0 is enough
        else:
            size = 1
    return rank, size, length


def is_compiled(model: nn.Module) -> bool:
    """Whether the network, or a part of it, was compiled: its hooks would be passed by."""
    return is_compiled_module(model) or any(
        hasattr(part, "_orig_mod") or getattr(part, "_compiled_call_impl", None) is not None for part in model.modules()
    )
