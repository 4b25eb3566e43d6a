"""What a monitor knows of the network that it watches, from its batches and its first training step."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from torch import Tensor, nn

from lightning_infomem._errors import UsageValueError
from lightning_infomem._lightning import LightningModule, MisconfigurationException, Trainer, is_compiled_module, say
from lightning_infomem.callbacks.probing import catch_probe
from lightning_infomem.offline.with_trainer import silenced
from lightning_infomem.sampling.layers import select_layers
from lightning_infomem.sampling.loss_watch import LossWatch, SeenLoss
from lightning_infomem.sampling.network_plan import NetworkPlan
from lightning_infomem.sampling.ranks import Ranks
from lightning_infomem.sampling.reading import read_network
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.sampling.task import TaskEvidence
from lightning_infomem.sampling.training_loss import TrainingLoss
from lightning_infomem.sampling.watching import Share, Watch
from lightning_infomem.settings import MeasurementSettings

__all__ = ["WatchedNetwork"]


class WatchedNetwork:
    """Reads the network of a run once, and watches it in the same way from then on.

    Args:
        layers: Layers to capture; see `NetworkReader`.
        settings: Settings of the measurement.

    Attributes:
        plan: How the network was read; None before the first batch.
        training_loss: Mean loss of the latest training steps.
    """

    def __init__(self, layers: Any, settings: MeasurementSettings) -> None:
        self._layers, self._settings = layers, settings
        self._watch: Watch | None = None
        self._fault: Exception | None = None  # of the present watch
        self._loss_watch: LossWatch | None = None
        self._losses: list[SeenLoss] | None = None
        self._evidence: TaskEvidence | None = None
        self.plan: NetworkPlan | None = None
        self.training_loss = TrainingLoss()

    @property
    def is_empty(self) -> bool:
        """Whether the network was read and has no layer to measure."""
        return self.plan is not None and not self.plan.layers

    def read(self, model: nn.Module, batch: Any) -> NetworkPlan:
        """Run a network once on a batch, and tell what would be measured; see `read_network`.

        A LightningModule without ``forward`` runs its validation step, and logs nothing.
        """
        settings = {each.name: getattr(self._settings, each.name) for each in fields(self._settings)}
        try:
            return read_network(model, batch, self._layers, **settings)
        except NotImplementedError:
            if not hasattr(model, "validation_step"):
                raise
        with silenced(model):
            return read_network(model, batch, self._layers, forward=_validate, **settings)

    def check_layers(self, model: nn.Module) -> None:
        """Require that each pattern matches a layer.

        Raises:
            MisconfigurationException: One matches none, or ``layers`` holds anything but patterns and module types.
        """
        if self._layers != "auto":
            try:
                select_layers(model, self._layers)
            except (TypeError, ValueError) as fault:
                raise MisconfigurationException(f"MemorizationMonitor: {fault}") from fault

    def open_training_step(self, trainer: Trainer, model: LightningModule) -> None:
        """Begin to look which loss the first training step computes."""
        if self._losses is None and self._settings.task == "auto" and not _is_compiled(model):
            self._losses = []
            self._loss_watch = LossWatch().open()

    def close_training_step(self, trainer: Trainer, model: LightningModule, outputs: object) -> None:
        """Remember the loss of the training step, and which function computed the first one."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, Tensor) and model.automatic_optimization and not trainer.barebones:
            # Lightning has divided it.
            self.training_loss.add(loss, trainer.current_epoch, factor=trainer.accumulate_grad_batches)
        self._close_loss_watch()

    def _close_loss_watch(self) -> None:
        if self._loss_watch is not None:
            self._loss_watch.close()
            self._losses, self._loss_watch = self._loss_watch.seen, None
            if self._evidence is not None:
                self._evidence.see_losses(self._losses)

    def begin(self, trainer: Trainer, model: nn.Module, share: Share, *, only_read: bool = False) -> None:
        """Begin to watch the batches that the Trainer runs."""
        self.close()  # left over from an interrupted validation
        self._fault = None
        try:
            known = self._known(trainer)
            self._watch = Watch(model, self._layers, self._settings, share, only_read=only_read, **known)
        except Exception as fault:  # kept for `caught`: no failure of ours may end a validation in its midst
            self._fault = fault

    def open_batch(self, batch: object) -> None:
        """Begin to catch the activations of a batch."""
        if self._watch is not None:
            try:
                self._watch.open_batch(batch)
            except Exception as fault:
                self._end_by(fault)

    def close_batch(self) -> bool:
        """Close the batch for all layers together, and return whether it showed the network for the first time."""
        if self._watch is None:
            return False
        try:
            self._watch.close_batch()
            return self._learn(self._watch)
        except Exception as fault:
            self._end_by(fault)
            return False

    def caught(self) -> ActivationTap:
        """Stop watching, and return what was caught.

        Raises:
            ValueError: Nothing was watched.
            Exception: What failed while it was watched.
        """
        watch = self._watch
        self.close()
        if self._fault is not None:
            raise self._fault
        if watch is None:
            raise UsageValueError("no validation was watched")
        return watch.tap

    def close(self) -> None:
        """Remove all hooks."""
        self._close_loss_watch()
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _end_by(self, fault: Exception) -> None:
        self.close()
        self._fault = fault

    def catch(
        self, trainer: Trainer, model: LightningModule, batches: Iterable[Any], *, seeded: bool = False
    ) -> ActivationTap:
        """Return what a run on batches of its own catches, on all ranks together; see `catch_probe`."""

        def run() -> Watch:
            known = self._known(trainer)
            return catch_probe(trainer, model, self._layers, self._settings, batches, seeded=seeded, **known)

        watch = Ranks.current().run_together(run)
        self._learn(watch)
        return watch.tap

    def _learn(self, watch: Watch) -> bool:
        """Remember how a watch read the network, say it the first time, and return whether this was the first time."""
        if self.plan is not None or watch.network is None:
            return False
        self.plan, self._evidence = watch.network, watch.evidence
        if self._evidence is not None and self._losses:
            self._evidence.see_losses(self._losses)
        say(f"MemorizationMonitor {self.plan.in_one_line()}.")
        if self.is_empty:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.plan.left_out.items())
            warnings.warn(
                "MemorizationMonitor: layers: a hidden layer with a row for each example is required, this network has "
                f"none ({reasons or 'no layer with weights was called before its output'}): nothing will be measured; "
                "name the layers.",
                stacklevel=3,
            )
        return True

    def _known(self, trainer: Trainer) -> dict[str, Any]:
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        # Optimizers are often given all parameters, those of a frozen teacher too.
        trained = {id(parameter) for group in groups for parameter in group["params"] if parameter.requires_grad}
        return {"network": self.plan, "evidence": self._evidence, "trained": trained or None}


def _validate(model: Any, batch: Any) -> object:
    return model.validation_step(batch, 0)


def _is_compiled(model: nn.Module) -> bool:
    """Whether the network or a part of it is compiled, or the forward of a part, so that hooks would be bypassed."""
    return is_compiled_module(model) or any(
        hasattr(part, "_orig_mod")
        or getattr(part, "_compiled_call_impl", None) is not None
        or hasattr(part.__dict__.get("forward"), "_torchdynamo_orig_callable")
        for part in model.modules()
    )
