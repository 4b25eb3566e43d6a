"""What a measurement returns: plain frozen records that travel inside a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lightning_infomem._errors import UsageValueError

__all__ = ["COURSE_KEY", "REPORT_KEY", "InformationReport", "LayerInformation"]

# Under these keys the state of a callback in a checkpoint holds the report of that checkpoint, and the course of the
# run until then: the logged values of all measurements, and what the run is judged by.
REPORT_KEY = "infomem_report"
COURSE_KEY = "infomem_course"

# Raised whenever the state changes; a state of any other version is refused.
_STATE_VERSION = 5


@dataclass(frozen=True, eq=False)
class LayerInformation:
    """The measures of one layer.

    Attributes:
        name: the module's dotted name.
        width: units the layer has after pooling.
        units: int64 ``[units]``, which of them were measured.
        entropy: float64 ``[units]``, nats. NaN for a unit without finite values.
        mutual_information: float64 ``[units, units]``, nats, raw (may be slightly negative), symmetric; the diagonal
            holds the estimator's value for a unit against itself and belongs in no mean.
        value_range: low and high of the entropy's bins; NaN where every unit has its own.
        dead_fraction: share of units that are constant over the samples.
        tie_fraction: share of samples that have the very value of another sample, mean over the units not dead.
        num_samples: rows measured.
        num_dropped: rows left out because some unit was not finite there.
        scores: name -> value of the baselines; see `baselines.layer_baselines`.
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
        """The finite mutual information of all pairs of different units, float64 ``[pairs]``, nats."""
        first, second = torch.triu_indices(len(self.units), len(self.units), offset=1)
        values = self.mutual_information[first, second]
        return values[torch.isfinite(values)]

    def unit_information(self) -> Tensor:
        """Mean finite mutual information of each unit with the others, float64 ``[units]``, nats; NaN without any."""
        others = self.mutual_information.clone().fill_diagonal_(torch.nan)
        return others.nanmean(1)

    def finite_entropy(self) -> Tensor:
        """The entropy of the units that have one, float64, nats."""
        return self.entropy[torch.isfinite(self.entropy)]

    def to_state(self) -> dict[str, Any]:
        """Tensors, numbers and strings only; of the symmetric matrix one half."""
        first, second = torch.triu_indices(len(self.units), len(self.units))
        return {
            "name": self.name,
            "width": self.width,
            "units": self.units.cpu(),
            "entropy": self.entropy.cpu(),
            "mutual_information": self.mutual_information.cpu()[first, second],
            "value_range": list(self.value_range),
            "dead_fraction": self.dead_fraction,
            "tie_fraction": self.tie_fraction,
            "num_samples": self.num_samples,
            "num_dropped": self.num_dropped,
            "scores": dict(self.scores),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LayerInformation:
        """The inverse of `to_state`; shares no memory with the state, which may be mapped from a file."""
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
        layers: in the order of the network.
        settings: of the measurement, `MeasurementSettings.to_state`.
        backend: the kernel that counted neighbours.
        skipped: layer name -> why it was not measured.
        epoch: of the run; None outside a Trainer.
        step: the global step; None outside a Trainer.
        seconds: time the measurement took, the forward passes not included.
        version: of the package.
        scores: name -> value of the baselines that are of the predictions; see `baselines.prediction_baselines`.
        probe: a digest of the inputs that were sampled, the same for the same inputs; None where it is not known.
        predicted: int32 ``[samples]``, the predicted class of each sampled input, in an order that hangs on the inputs
            alone, -1 where the outputs are not finite; None where they, or the inputs, are not known.
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
    predicted: Tensor | None = None

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
        return "\n".join(lines)

    def to_state(self) -> dict[str, Any]:
        """Tensors, numbers and strings only, so that a checkpoint with it loads with ``weights_only=True``."""
        return {
            "state_version": _STATE_VERSION,
            "layers": [layer.to_state() for layer in self.layers],
            "settings": dict(self.settings),
            "backend": self.backend,
            "skipped": dict(self.skipped),
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "version": self.version,
            "scores": dict(self.scores),
            "probe": self.probe,
            "predicted": self.predicted,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> InformationReport:
        """The inverse of `to_state`.

        Raises:
            ValueError: the state is no report, a damaged one, or of another version.
        """
        version = state.get("state_version") if isinstance(state, Mapping) else None
        if version != _STATE_VERSION:
            came = (
                "none" if version is None else f"version {version!r}, written by another version of lightning_infomem"
            )
            raise UsageValueError(
                f"report: a state of version {_STATE_VERSION} is required, got {came}; measure this checkpoint anew."
            )
        try:
            fields = {name: value for name, value in state.items() if name != "state_version"}
            fields["layers"] = tuple(LayerInformation.from_state(layer) for layer in state["layers"])
            if fields.get("predicted") is not None:
                fields["predicted"] = fields["predicted"].clone()
            return cls(**fields)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as fault:
            raise UsageValueError(f"report: the state is damaged ({fault}); measure this checkpoint anew.") from fault
