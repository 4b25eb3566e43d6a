"""Samples an evaluation loop whose beginning nobody announces."""

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
    """Catches rows of those forward passes of a model that turn out to be steps of an evaluation.

    A pass in evaluation mode is caught before anybody says what it is for. It counts when it is confirmed; when another
    begins before that, it is forgotten. Passes in training mode are not caught, nor those that generate token after
    token: they see a cache, or the output of an encoder that ran before.

    Args:
        model: what is called with each batch.
        layers: name -> module of the model.
        settings: which rows and units are kept, and pooling.
    """

    def __init__(self, model: nn.Module, layers: Mapping[str, nn.Module], settings: MeasurementSettings) -> None:
        self._model, self._layers, self._settings = model, layers, settings
        self._handles: list[RemovableHandle] = []
        self._tap: ActivationTap | None = None
        self._num_confirmed = 0
        # What to go back to when the pass that was caught last is forgotten; None after a confirmation.
        self._before: tuple[SamplePlan, dict[str, str]] | None = None

    def open(self) -> None:
        """Put two hooks on the model; those on its layers follow with the first pass in evaluation mode."""
        self.close()

        # Functions and no methods: a copy of the model, of which some callbacks keep averages, then copies no watch.
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
        """Take all hooks off, and forget what was caught."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.take()

    def confirm(self) -> None:
        """The last pass was a step of the evaluation."""
        if self._tap is not None and self._before is not None:
            self._before = None
            self._tap.close_batch()
            self._num_confirmed += 1

    def take(self) -> ActivationTap | None:
        """What the confirmed passes left, without hooks; None where none was confirmed. The next pass begins anew."""
        self._forget_unconfirmed()
        tap, num_confirmed = self._tap, self._num_confirmed
        self._tap, self._num_confirmed = None, 0
        if tap is not None:
            tap.close()
        return tap if num_confirmed else None

    def _begin(self, batch: object) -> None:
        if not self._num_confirmed:
            self.take()  # of a stranger's pass nothing stays
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
