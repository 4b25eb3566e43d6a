"""What is read of a network before the first batch of a validation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from torch import Tensor

from lightning_infomem._lightning import LightningModule, Trainer
from lightning_infomem.callbacks.watched_network import WatchedNetwork
from lightning_infomem.functional.baselines import prediction_baselines
from lightning_infomem.sampling.ranks import Ranks, bring_together
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.sampling.training_loss import mean_over_ranks
from lightning_infomem.sampling.weights_digest import weights_digest

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
        training_loss: Mean loss of the latest training steps; see `InformationReport`.
    """

    weights: Tensor | None
    probe: ActivationTap | None
    training_confidence: float | None
    training_loss: float | None

    @property
    def known(self) -> dict[str, Any]:
        """What a report takes over; see `measure_samples`."""
        return {"weights": self.weights, "training_loss": self.training_loss}

    @classmethod
    def take(
        cls,
        trainer: Trainer,
        model: LightningModule,
        network: WatchedNetwork,
        *,
        probe: Iterable[Any] | None,
        training: Iterable[Any] | None,
    ) -> FirstLook:
        """Look at a network; all ranks must call it.

        Args:
            trainer: Trainer of the network.
            model: Network in training or in validation.
            network: What is known of it.
            probe: The user's own batches to measure.
            training: Batches of training inputs.
        """
        ranks = Ranks.current()
        seen_by_ranks = ranks.on_all(lambda: (weights_digest(model), network.training_loss.mean()))
        weights = seen_by_ranks[0][0]  # of rank 0, which saves the checkpoint
        network.training_loss.begin()
        tap = None if probe is None else network.catch(trainer, model, probe)
        confidence = None
        if training is not None:
            seen = network.catch(trainer, model, training, seeded=True)
            confidence = prediction_baselines(bring_together(seen, ranks).logits).get("mean_confidence")
        return cls(weights, tap, confidence, mean_over_ranks([loss for _, loss in seen_by_ranks]))
