"""Samples an evaluation loop that starts unannounced."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from lightning_infomem.sampling.layers import find_head
from lightning_infomem.sampling.samples import SamplePlan
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.settings import MeasurementSettings

__all__ = ["EvaluationWatch"]


class EvaluationWatch:
    """Records rows of the forward passes of a model that turn out to be steps of an evaluation.

    Every pass in evaluation mode is recorded before its purpose is known. It counts once it is confirmed; if another
    pass begins first, it is forgotten. Passes in training mode are ignored, and so are passes that generate token after
    token: their inputs include a cache, or the output of an encoder that ran before.

    Args:
        model: Model that is called with each batch.
        layers: Name -> module of the model.
        settings: Settings with the rows and units to keep, and pooling.
    """

    def __init__(self, model: nn.Module, layers: Mapping[str, nn.Module], settings: MeasurementSettings) -> None:
        self._model, self._layers, self._settings = model, layers, settings
        self._handles: list[RemovableHandle] = []
        self._tap: ActivationTap | None = None
        self._num_confirmed = 0
        # State to restore if the last pass is forgotten; None after a confirmation.
        self._before: tuple[SamplePlan, dict[str, str]] | None = None

    def open(self) -> None:
        """Add two hooks to the model; its layers get theirs at the first pass in evaluation mode."""
        self.close()

        # Functions instead of methods: some callbacks average copies of the model, and these must not copy the watch.
        def begin(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if module is self._model and not module.training and not _generates(kwargs):
                self._begin((*args, kwargs))

        def end(module: nn.Module, args: object, output: object) -> None:
            if output is None:  # the pass failed
                self.close()

        self._handles = [
            self._model.register_forward_pre_hook(begin, with_kwargs=True),
            self._model.register_forward_hook(end, always_call=True),
        ]

    def close(self) -> None:
        """Remove all hooks, and forget what was recorded."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.take()

    def confirm(self) -> None:
        """Keep the last pass as a step of the evaluation."""
        if self._tap is not None and self._before is not None:
            self._before = None
            self._tap.close_batch()
            self._num_confirmed += 1

    def take(self) -> ActivationTap | None:
        """Return the confirmed passes, without hooks, and start anew; None if no pass was confirmed."""
        self._forget_unconfirmed()
        tap, num_confirmed = self._tap, self._num_confirmed
        self._tap, self._num_confirmed = None, 0
        if tap is not None:
            tap.close()
        return tap if num_confirmed else None

    def _begin(self, batch: object) -> None:
        if not self._num_confirmed:
            self.take()  # forget passes that were no evaluation
        if self._tap is None:
            plan = SamplePlan(self._settings.max_samples, self._settings.max_units, self._settings.seed)
            head = find_head(self._model, self._layers)
            self._tap = ActivationTap(self._layers, plan, self._settings.pooling, head=head).__enter__()
        self._forget_unconfirmed()
        self._before = copy.deepcopy(self._tap.plan), dict(self._tap.skipped)
        self._tap.open_batch(batch)

    def _forget_unconfirmed(self) -> None:
        if self._tap is not None and self._before is not None:
            self._tap.plan, self._tap.skipped = self._before
        self._before = None


def _generates(kwargs: Mapping[str, Any]) -> bool:
    return any(kwargs.get(name) is not None for name in ("past_key_values", "encoder_outputs"))
