"""The record of one measurement in the course of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from lightning_infomem.records.report import InformationReport

__all__ = ["Moment"]


@dataclass(frozen=True, eq=False)
class Moment:
    """One measurement in the course of a run.

    Attributes:
        smoothness: Layer -> `prediction_smoothness` of the predicted classes.
        predicted: Predicted classes, integers ``[samples]``, always in the same order of inputs; None if unknown.
        probe: Digest of the inputs.
        epoch: Epoch of the measurement; None if unknown.
        step: Global step of the measurement; None if unknown.
        task: What the network does; see `InformationReport`.
        task_reason: How the task is known, in words.
    """

    smoothness: Mapping[str, float]
    predicted: Tensor | None
    probe: str | None
    epoch: int | None = None
    step: int | None = None
    task: str = "unknown"
    task_reason: str = ""

    @classmethod
    def of(cls, report: InformationReport) -> Moment:
        """Extract the moment from a report."""
        smoothness = {layer.name: layer.scores.get("class_smoothness", math.nan) for layer in report.layers}
        predicted = None if report.predictions is None else report.predictions.classes
        known = (predicted, report.probe, report.epoch, report.step, report.task, report.task_reason)
        return cls(smoothness, *known)

    @property
    def name(self) -> str:
        """Human-readable name: the epoch, or else the step."""
        return f"step {self.step}" if self.epoch is None else f"epoch {self.epoch}"

    @cached_property
    def finite_layers(self) -> tuple[str, ...]:
        """Layers with a finite smoothness."""
        return tuple(name for name, value in self.smoothness.items() if math.isfinite(value))

    @cached_property
    def mean_smoothness(self) -> float:
        """Mean smoothness over the layers with a finite one; NaN if there are none."""
        return self.smoothness_of(self.finite_layers) if self.finite_layers else math.nan

    @cached_property
    def classes_in_use(self) -> float:
        """Exponential of the entropy of the predicted classes; NaN if they are unknown."""
        if self.predicted is None:
            return math.nan
        _, counts = torch.unique(self.predicted, return_counts=True)
        shares = counts.double() / len(self.predicted)
        return float(torch.special.entr(shares).sum().exp())

    def smoothness_of(self, layers: Sequence[str]) -> float:
        """Return the mean smoothness over one or more layers; NaN if any of them is missing."""
        return sum(self.smoothness.get(name, math.nan) for name in layers) / len(layers)

    def to_state(self) -> dict[str, Any]:
        """Return the moment as tensors, numbers and strings only."""
        state = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**state, "smoothness": dict(self.smoothness)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Moment:
        """Restore a moment from `to_state`, without sharing memory with the state."""
        predicted = state["predicted"]
        return cls(**{**state, "predicted": None if predicted is None else predicted.clone()})
