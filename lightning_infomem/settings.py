"""Every setting of a measurement, checked once; it travels with every number that is measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lightning_infomem._checks import check_choice, check_count, describe
from lightning_infomem.functional.entropy import check_value_range
from lightning_infomem.kernels import BACKENDS

__all__ = ["POOLINGS", "VALUE_RANGES", "MeasurementSettings"]

POOLINGS = ("mean", "max", "flatten", "center", "cls", "last")
VALUE_RANGES = ("network", "layer", "unit")


@dataclass(frozen=True)
class MeasurementSettings:
    """What is sampled and how it is measured.

    Args:
        max_samples: rows kept of all that pass by, drawn uniformly; the same rows whenever the data come in the same
            order.
        max_units: units kept of each layer, drawn uniformly; the same for every model of the same widths.
        pooling: how the positions of a feature map or sequence become one row an example: "mean" (over the positions
            that an attention mask admits), "max", "flatten" (every position a unit of its own), "center", "cls" (the
            first position), "last" (the last that the mask admits), or a function ``[examples, positions, units]`` ->
            ``[examples, units]``.
        seed: of the private generators that draw rows and units.
        bins: number of bins of the entropy.
        value_range: of the bins: "network" (one range over all layers measured), "layer", "unit", or ``(low, high)``.
        neighbors: k of the mutual information.
        backend: see `kernels.select_backend`.
        device: where to measure: "auto" is where the activations are, else a torch device such as "cpu".
        normal_scores: measure mutual information also of normal scores, which know neither scale nor heavy tails,
            as one more baseline; takes as long again.
        memory_limit: bytes for temporary tensors; changes no number.
    """

    max_samples: int = 1024
    max_units: int = 256
    pooling: str | Callable[[Tensor], Tensor] = "mean"
    seed: int = 0
    bins: int = 100
    value_range: str | tuple[float, float] = "network"
    neighbors: int = 3
    backend: str = "auto"
    device: str = "auto"
    normal_scores: bool = False
    memory_limit: int = 2**28

    def __post_init__(self) -> None:
        check_count(self.neighbors, name="neighbors")
        check_count(self.max_samples, name="max_samples", minimum=self.neighbors + 1)
        check_count(self.max_units, name="max_units", minimum=2)
        check_count(self.bins, name="bins")
        check_count(self.memory_limit, name="memory_limit")
        check_count(self.seed, name="seed", minimum=0)
        check_value_range(self.value_range, choices=VALUE_RANGES)
        check_choice(self.backend, name="backend", choices=BACKENDS)
        if not callable(self.pooling):
            check_choice(self.pooling, name="pooling", choices=POOLINGS)
        if not isinstance(self.device, str):
            raise TypeError(f'device: "auto" or the name of a torch device is required, got {describe(self.device)}.')

    def to_state(self) -> dict[str, Any]:
        """Plain numbers and strings of what decides the numbers, for a report; a function is given by its name."""
        state = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del state["memory_limit"], state["device"]  # change no number
        if callable(self.pooling):
            state["pooling"] = f"{self.pooling.__module__}.{getattr(self.pooling, '__qualname__', 'callable')}"
        if not isinstance(self.value_range, str):
            state["value_range"] = [float(edge) for edge in self.value_range]
        return state
