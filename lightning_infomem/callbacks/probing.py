"""Runs batches through a network, outside of its Trainer's loops."""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, Subset

from lightning_infomem._checks import describe
from lightning_infomem._lightning import LightningModule, MisconfigurationException, Trainer, isolate_rng
from lightning_infomem.measurement import catch
from lightning_infomem.sampling.ranks import Ranks
from lightning_infomem.sampling.watching import Watch
from lightning_infomem.settings import MeasurementSettings

__all__ = ["catch_probe", "draw_training_probe"]

_BATCH_SIZE = 256  # if the user's loader makes no batches


def catch_probe(
    trainer: Trainer,
    model: LightningModule,
    layers: Any,
    settings: MeasurementSettings,
    probe: Iterable[Any],
    *,
    seeded: bool = False,
    **options: Any,
) -> Watch:
    """Run batches through the network, in evaluation mode and the Trainer's precision.

    All ranks must call it, since sharded networks need all of them; rank 0 keeps the rows. The random generators are
    restored afterwards, because a loader draws from them when it starts.

    Args:
        trainer: Trainer with the precision.
        model: Network to run.
        layers: Layers to capture.
        settings: Settings of the measurement.
        probe: Batches to run.
        seeded: Whether the data draw the same random numbers each time, for augmentation for example.
        **options: Further arguments of `Watch`.
    """
    share = (0, 1, 0 if Ranks.current().rank else None)
    with ExitStack() as during:
        during.enter_context(isolate_rng())
        if seeded:
            torch.manual_seed(settings.seed)
            np.random.seed(settings.seed % 2**32)
            random.seed(settings.seed)
        during.enter_context(trainer.precision_plugin.forward_context())
        return catch(model, probe, layers, settings, share=share, **options)


def draw_training_probe(loader: object, settings: MeasurementSettings) -> DataLoader[Any]:
    """Draw a fixed set of training inputs.

    Args:
        loader: Loader of the training data.
        settings: Settings with the number of inputs and the seed.

    Raises:
        MisconfigurationException: The loader is no DataLoader over a data set with a length and indices.
    """
    if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset):
        raise MisconfigurationException(
            "MemorizationMonitor: training_probe: a DataLoader over a data set with a length and indices is required "
            f"for training, got {describe(loader)}; leave training_probe out."
        )
    count = len(loader.dataset)  # type: ignore[arg-type]
    chosen = random.Random(settings.seed).sample(range(count), min(count, settings.max_samples))
    batch_size = loader.batch_size or _BATCH_SIZE
    return DataLoader(Subset(loader.dataset, sorted(chosen)), batch_size=batch_size, collate_fn=loader.collate_fn)
