"""What is read of a network before the first batch of a validation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from torch import Tensor

from lightning_infomem._lightning import LightningModule, Trainer
from lightning_infomem.callbacks.probing import catch_probe
from lightning_infomem.functional.baselines import prediction_baselines
from lightning_infomem.sampling.layers import select_layers
from lightning_infomem.sampling.ranks import Ranks, bring_together
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.sampling.weights_digest import weights_digest
from lightning_infomem.settings import MeasurementSettings

__all__ = ["FirstLook"]


class FirstLook(NamedTuple):
    """What is read of a network before the first batch of a validation.

    Weight averaging puts other weights in place when a validation starts, and takes them out when it ends: before our
    hook there or after it, depending on the order of callbacks. At the first batch, those are in place that are
    validated and go into the checkpoint.

    Attributes:
        weights: Digest of the weights; see `weights_digest`.
        probe: What was caught of the user's own batches; None without any.
        training_confidence: Mean confidence on training inputs; None if it is unknown.
    """

    weights: Tensor | None
    probe: ActivationTap | None
    training_confidence: float | None

    @classmethod
    def take(
        cls,
        trainer: Trainer,
        model: LightningModule,
        layers: Any,
        settings: MeasurementSettings,
        *,
        probe: Iterable[Any] | None,
        training: Iterable[Any] | None,
    ) -> FirstLook:
        """Look at a network; all ranks must call it.

        Args:
            trainer: Trainer of the network.
            model: Network in training or in validation.
            layers: Layers to measure; see `select_layers`.
            settings: Settings of the measurement.
            probe: The user's own batches to measure.
            training: Batches of training inputs.
        """
        ranks = Ranks.current()
        weights = ranks.on_all(lambda: weights_digest(model))[0]  # of rank 0, which saves the checkpoint
        tap, confidence = None, None
        if probe is not None:
            tap = ranks.run_together(lambda: catch_probe(trainer, model, select_layers(model, layers), settings, probe))
        if training is not None:
            seen = ranks.run_together(lambda: catch_probe(trainer, model, {}, settings, training, seeded=True))
            confidence = prediction_baselines(bring_together(seen, ranks).logits).get("mean_confidence")
        return cls(weights, tap, confidence)
