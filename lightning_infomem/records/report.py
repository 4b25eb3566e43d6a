"""The result of a measurement: plain frozen records that travel inside a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.predictions import Predictions
from lightning_infomem.records.tasks import TASKS

__all__ = ["COURSE_KEY", "REPORT_KEY", "InformationReport", "LayerInformation"]

# Keys in a callback's state in a checkpoint: the report of that checkpoint, and the course of the run until then, which
# is the logged values of all measurements and what the run is judged by.
REPORT_KEY = "infomem_report"
COURSE_KEY = "infomem_course"

# Increased whenever the state changes; a state of any other version is refused.
_STATE_VERSION = 7


@dataclass(frozen=True, eq=False)
class LayerInformation:
    """The measures of one layer.

    Attributes:
        name: Dotted name of the module.
        width: Number of units in the layer after pooling.
        units: Indices of the measured units, int64 ``[units]``.
        entropy: Entropy of each unit in nats, float64 ``[units]``; NaN for a unit without finite values.
        mutual_information: Mutual information of each pair in nats, float64 ``[units, units]``, symmetric and raw (it
            may be slightly negative). The diagonal holds the estimate for a unit and itself and belongs in no mean.
        value_range: Low and high edge of the bins for the entropy; NaN if the range differs between units.
        dead_fraction: Share of units that are constant over the samples.
        tie_fraction: Share of samples that have exactly the value of another sample, averaged over units not dead.
        num_samples: Number of rows measured.
        num_dropped: Number of rows left out because a unit was not finite there.
        scores: Name -> value of the baselines; see `baselines.layer_baselines`.
    """

    name: str
    width: int
    units: Tensor
    entropy: Tensor
    mutual_information: Tensor
    value_range: tuple[float, float]
    dead_fraction: float
    tie_fraction: float
    num_samples: int
    num_dropped: int
    scores: Mapping[str, float] = field(default_factory=dict)

    def pairs(self) -> Tensor:
        """Return the finite mutual information of all pairs of different units in nats, float64 ``[pairs]``."""
        first, second = torch.triu_indices(len(self.units), len(self.units), offset=1)
        values = self.mutual_information[first, second]
        return values[torch.isfinite(values)]

    def unit_information(self) -> Tensor:
        """Return the mean mutual information of each unit with the others in nats, float64 ``[units]``; NaN if none."""
        others = self.mutual_information.clone().fill_diagonal_(torch.nan)
        return others.nanmean(1)

    def finite_entropy(self) -> Tensor:
        """Return the entropy in nats, float64, of the units that have one."""
        return self.entropy[torch.isfinite(self.entropy)]

    def to_state(self) -> dict[str, Any]:
        """Return tensors, numbers and strings only, with one half of the symmetric matrix."""
        first, second = torch.triu_indices(len(self.units), len(self.units))
        return {
            **vars(self),
            "units": self.units.cpu(),
            "entropy": self.entropy.cpu(),
            "mutual_information": self.mutual_information.cpu()[first, second],
            "value_range": list(self.value_range),
            "scores": dict(self.scores),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LayerInformation:
        """Restore a layer from `to_state`, without sharing memory with the state, which may be mapped from a file."""
        num_units = len(state["units"])
        first, second = torch.triu_indices(num_units, num_units)
        # Assignment below would spread a single number over the whole matrix.
        if state["entropy"].shape != (num_units,) or state["mutual_information"].shape != first.shape:
            raise UsageValueError(f"the measures of layer {state['name']!r} are not those of {num_units} units")
        upper = torch.zeros(num_units, num_units, dtype=torch.float64)
        upper[first, second] = state["mutual_information"]
        low, high = state["value_range"]
        copied: dict[str, Any] = {
            "units": state["units"].clone(),
            "entropy": state["entropy"].clone(),
            "mutual_information": upper + upper.triu(1).T,
            "value_range": (low, high),
        }
        return cls(**{**state, **copied})


@dataclass(frozen=True, eq=False)
class InformationReport:
    """The measures of all monitored layers of one network at one moment.

    Attributes:
        layers: Measured layers, in the order of the network.
        settings: Settings of the measurement; see `MeasurementSettings.to_state`.
        backend: Name of the kernel that counted neighbours.
        skipped: Layer name -> why it was not measured.
        epoch: Epoch of the run; None outside a Trainer.
        step: Global step of the run; None outside a Trainer.
        seconds: Duration of the measurement without the forward passes.
        version: Version of the package.
        scores: Name -> value of the baselines that use the predictions; see `baselines.prediction_baselines`.
        probe: Digest of the sampled inputs, the same for the same inputs; None if unknown.
        predictions: What was predicted for each sampled input; None if classes or inputs are unknown.
        task: What the network does: "classification", "regression", "none" (its outputs are neither), "unknown" (there
            is no evidence; scores and classes of the outputs are stored nevertheless), or "assumed" (the outputs of a
            plain module are taken for classes without evidence).
        task_reason: How the task is known, in words; empty if nothing is known.
        weights: Digest of the weights that were measured, int64 ``[parameters, 2]``; see `weights_digest`. None if
            unknown.
        num_repeats: Number of sampled rows that were left out because their input occurred before.
        training_loss: Mean of the loss that the training step returned, in its own unit, over the steps since the
            previous measurement or since the epoch began, whichever was later; if there were none, that of the last
            ones. Of several processes the mean. None outside a training, if the training step returns no loss or
            optimizes by itself, or if the mean is not finite.
    """

    layers: tuple[LayerInformation, ...]
    settings: Mapping[str, Any]
    backend: str
    skipped: Mapping[str, str] = field(default_factory=dict)
    epoch: int | None = None
    step: int | None = None
    seconds: float = 0.0
    version: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    probe: str | None = None
    predictions: Predictions | None = None
    task: str = "unknown"
    task_reason: str = ""
    weights: Tensor | None = None
    num_repeats: int = 0
    training_loss: float | None = None

    def __getitem__(self, name: str) -> LayerInformation:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(f"{name!r} is not a measured layer; measured are {[layer.name for layer in self.layers]}.")

    def __str__(self) -> str:
        lines = [f"{'layer':30} {'units':>9} {'entropy':>8} {'MI':>8}  (means in nats)"]
        for layer in self.layers:
            units = f"{len(layer.units)}/{layer.width}"
            entropy, information = layer.finite_entropy().mean(), layer.pairs().mean()
            lines.append(f"{layer.name:30} {units:>9} {entropy:8.4f} {information:8.4f}")
        lines += [f"{name:30} skipped: {why}" for name, why in self.skipped.items()]
        lines += [f"{self.num_repeats} rows repeat an input and were left out"] if self.num_repeats else []
        return "\n".join(lines)

    def to_state(self) -> dict[str, Any]:
        """Return tensors, numbers and strings only, so that the checkpoint loads with ``weights_only=True``."""
        return {
            "state_version": _STATE_VERSION,
            **vars(self),
            "layers": [layer.to_state() for layer in self.layers],
            "predictions": None if self.predictions is None else self.predictions.to_state(),
            "settings": dict(self.settings),
            "skipped": dict(self.skipped),
            "scores": dict(self.scores),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> InformationReport:
        """Restore a report from `to_state`.

        Raises:
            ValueError: The state is no report, is damaged, or has another version.
        """
        version = state.get("state_version") if isinstance(state, Mapping) else None
        if version != _STATE_VERSION:
            came = (
                "none" if version is None else f"version {version!r}, written by another version of lightning_infomem"
            )
            raise UsageValueError(
                f"report: a state of version {_STATE_VERSION} is required, got {came}; measure this checkpoint again."
            )
        try:
            fields = {name: value for name, value in state.items() if name != "state_version"}
            fields["layers"] = tuple(LayerInformation.from_state(layer) for layer in state["layers"])
            predictions, weights, loss = state["predictions"], state["weights"], state["training_loss"]
            fields["predictions"] = None if predictions is None else Predictions.from_state(predictions)
            fields["weights"] = None if weights is None else weights.clone()
            if weights is not None and (weights.ndim, weights.dtype) != (2, torch.int64):
                raise UsageValueError("the digest of its weights is none")
            if loss is not None and not (isinstance(loss, float) and math.isfinite(loss)):
                raise UsageValueError(f"its training loss is {loss!r}")
            if fields["task"] not in TASKS or not isinstance(fields["task_reason"], str):
                raise UsageValueError(f"its task is {fields['task']!r}, because {fields['task_reason']!r}")
            return cls(**fields)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as fault:
            raise UsageValueError(f"report: the state is damaged ({fault}); measure this checkpoint again.") from fault
