"""Samples an evaluation loop that starts unannounced."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from lightning_infomem.sampling.network_plan import NetworkPlan
from lightning_infomem.sampling.samples import SamplePlan
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.sampling.task import TaskEvidence
from lightning_infomem.sampling.watching import Watch
from lightning_infomem.settings import MeasurementSettings

__all__ = ["EvaluationWatch"]


class EvaluationWatch:
    """Records rows of the forward passes of a model that turn out to be steps of an evaluation.

    Every pass in evaluation mode is recorded before its purpose is known. It counts once it is confirmed; if another
    pass begins first, it is forgotten. Passes in training mode are ignored, and so are passes that generate token after
    token: their inputs include a cache, or the output of an encoder that ran before.

    Args:
        model: Model that is called with each batch.
        layers: Layers to capture; see `NetworkReader`.
        settings: Settings with the rows and units to keep, and pooling.

    Attributes:
        network: How the model was read from the first confirmed pass; None before it.
        fault: What failed in watching since the last `take`, and ended it; None if nothing did.
    """

    def __init__(self, model: nn.Module, layers: Any, settings: MeasurementSettings) -> None:
        self._model, self._layers, self._settings = model, layers, settings
        self._handles: list[RemovableHandle] = []
        self._watch: Watch | None = None
        self._num_confirmed = 0
        # State to restore if the last pass is forgotten; None after a confirmation, or if the pass was the first.
        self._before: tuple[SamplePlan, dict[str, str]] | None = None
        self._is_pending = False
        self.network: NetworkPlan | None = None
        self.fault: Exception | None = None
        self._evidence: TaskEvidence | None = None

    def open(self) -> None:
        """Add two hooks to the model, which begin to record at the first pass in evaluation mode."""
        self.close()
        self._handles = [
            self._model.register_forward_pre_hook(_Hook(self._begin), with_kwargs=True),
            self._model.register_forward_hook(_Hook(self._end), always_call=True),
        ]

    def close(self) -> None:
        """Remove all hooks, and forget what was recorded."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.take()

    def confirm(self) -> None:
        """Keep the last pass as a step of the evaluation."""
        if self._watch is not None and self._is_pending:
            self._is_pending, self._before = False, None
            try:
                self._watch.close_batch()
            except Exception as fault:
                self._end_by(fault)
                return
            self.network, self._evidence = self._watch.network, self._watch.evidence
            self._num_confirmed += 1

    def take(self) -> ActivationTap | None:
        """Return the confirmed passes, without hooks, and start anew; None if no pass was confirmed."""
        self._forget_unconfirmed()
        self.fault = None
        watch, num_confirmed = self._watch, self._num_confirmed
        self._watch, self._num_confirmed = None, 0
        if watch is not None:
            watch.close()
        return watch.tap if watch is not None and num_confirmed else None

    def _begin(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if module is not self._model or module.training or _generates(kwargs):
            return
        if not self._num_confirmed and self.fault is None:
            self.take()  # forget passes that were no evaluation
        if self.fault is not None:
            return
        try:
            self._begin_pass((*args, kwargs))
        except Exception as fault:  # it must not stop the model's own work
            self._end_by(fault)

    def _begin_pass(self, batch: object) -> None:
        if self._watch is None:
            self._watch = Watch(
                self._model, self._layers, self._settings, network=self.network, evidence=self._evidence
            )
        self._forget_unconfirmed()
        tap = self._watch.tap
        self._before = copy.deepcopy(tap.plan), dict(tap.skipped)
        self._is_pending = True
        self._watch.open_batch(batch)

    def _end_by(self, fault: Exception) -> None:
        self.take()
        self.fault = fault

    def _end(self, module: nn.Module, args: object, output: object) -> None:
        if output is None:  # the pass failed
            self.close()

    def _forget_unconfirmed(self) -> None:
        if self._watch is not None and self._is_pending and self._before is not None:
            tap = self._watch.tap
            tap.plan, tap.skipped = self._before
        self._is_pending, self._before = False, None


class _Hook:
    """A hook that is left out of copies of the module: some callbacks average copies of the model, or save it."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> None:
        self._call(*arguments)

    def __reduce__(self) -> tuple[type[_Hook], tuple[Any]]:
        return _Hook, (_nothing,)


def _nothing(*arguments: object) -> None:
    """Stand in for the hook in a copy."""


def _generates(kwargs: Mapping[str, Any]) -> bool:
    return any(kwargs.get(name) is not None for name in ("past_key_values", "encoder_outputs"))
