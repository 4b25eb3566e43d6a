"""What one measurement of a run adds to its course."""

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
    """What one measurement of a run adds to its course.

    Attributes:
        smoothness: layer -> `prediction_smoothness` of the predicted classes.
        predicted: integers ``[samples]``, the predicted classes, always in the same order of inputs; None where the
            network's classes are not known.
        probe: a digest of the inputs.
        epoch: of the run; None where it is not known.
        step: likewise.
    """

    smoothness: Mapping[str, float]
    predicted: Tensor | None
    probe: str | None
    epoch: int | None = None
    step: int | None = None

    @classmethod
    def of(cls, report: InformationReport) -> Moment:
        """What a report tells of its moment."""
        smoothness = {layer.name: layer.scores.get("class_smoothness", math.nan) for layer in report.layers}
        return cls(smoothness, report.predicted, report.probe, report.epoch, report.step)

    @property
    def name(self) -> str:
        """Its epoch, or else its step, for people."""
        return f"step {self.step}" if self.epoch is None else f"epoch {self.epoch}"

    @cached_property
    def finite_layers(self) -> tuple[str, ...]:
        """The layers that have a finite smoothness."""
        return tuple(name for name, value in self.smoothness.items() if math.isfinite(value))

    @cached_property
    def mean_smoothness(self) -> float:
        """Over the layers that have a finite one; NaN without any."""
        return self.smoothness_of(self.finite_layers) if self.finite_layers else math.nan

    @cached_property
    def classes_in_use(self) -> float:
        """The exponential of the entropy of the predicted classes; NaN where these are not known."""
        if self.predicted is None:
            return math.nan
        _, counts = torch.unique(self.predicted, return_counts=True)
        shares = counts.double() / len(self.predicted)
        return float(torch.special.entr(shares).sum().exp())

    def smoothness_of(self, layers: Sequence[str]) -> float:
        """Over so many layers, at least one; NaN where it lacks any of them."""
        return sum(self.smoothness.get(name, math.nan) for name in layers) / len(layers)

    def to_state(self) -> dict[str, Any]:
        """Tensors, numbers and strings only."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**own, "smoothness": dict(self.smoothness)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Moment:
        """The inverse of `to_state`; shares no memory with the state."""
        predicted = state["predicted"]
        return cls(**{**state, "predicted": None if predicted is None else predicted.clone()})
