"""Sends a loader of the user's own through a network, beside the loops of its Trainer."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import torch

from lightning_infomem._lightning import LightningModule, Trainer, isolate_rng
from lightning_infomem.measurement import catch
from lightning_infomem.sampling.layers import select_layers
from lightning_infomem.sampling.ranks import Ranks
from lightning_infomem.sampling.samples import SamplePlan
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.sampling.watching import is_compiled
from lightning_infomem.settings import MeasurementSettings

__all__ = ["catch_probe"]


def catch_probe(
    trainer: Trainer, model: LightningModule, layers: Any, settings: MeasurementSettings, probe: Iterable[Any]
) -> ActivationTap:
    """Send a loader of the user's own through the network, in evaluation mode and the Trainer's precision.

    Every rank does, since sharded networks need all of them, and rank 0 keeps the rows. The random generators are
    given back as they were: a loader draws from them when it starts.
    """
    ranks = Ranks.current()
    plan = SamplePlan(settings.max_samples, settings.max_units, settings.seed, length=0 if ranks.rank else None)
    with ExitStack() as during:
        during.enter_context(isolate_rng())
        during.enter_context(trainer.precision_plugin.forward_context())
        if is_compiled(model):
            during.enter_context(torch.compiler.set_stance("force_eager"))
        return catch(model, probe, select_layers(model, layers), plan, settings.pooling)
