"""Every setting of a measurement, checked once; it travels with every number that is measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lightning_infomem._checks import check_choice, check_count, describe
from lightning_infomem.functional.entropy import CONVENTIONS, check_value_range
from lightning_infomem.kernels import BACKENDS

__all__ = ["POOLINGS", "PRESETS", "VALUE_RANGES", "MeasurementSettings"]

POOLINGS = ("mean", "max", "flatten", "center", "cls", "last")
VALUE_RANGES = ("network", "layer", "unit")

# What "Measures of Information Reflect Memorization Patterns" says, and what the program released with it does. Neither
# is the default: see the section on the paper in the README for what each choice does to the numbers.
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {"bins": 100, "value_range": "unit", "neighbors": 3, "convention": "standard"},
    "released_code": {"bins": 100, "value_range": "network", "neighbors": 3, "convention": "released_code"},
}


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
            "network", because there alone entropy rises with random labels, as the paper's second hypothesis has it: on
            Shuffled MNIST its tau with generalisation is +1.00, and -.80 by each unit's own range, which is what the
            paper writes (`examples/paper/results/tables.md`).
        neighbors: k of the mutual information.
        backend: see `kernels.select_backend`.
        device: where to measure: "auto" is where the activations are, else a torch device such as "cpu".
        normal_scores: measure mutual information also of normal scores, which know neither scale nor heavy tails,
            as one more baseline; takes as long again.
        memory_limit: bytes for temporary tensors; changes no number.
        convention: "standard", or "released_code": an extra top bin, units on raw scales, ties counted as scikit-learn
            does, the diagonal among the pairs that are logged and drawn; see `binned_entropy` and
            `pairwise_mutual_information`. For parity only: rankings leave the diagonal out all the same.
        preset: a name in `PRESETS`, which sets ``bins``, ``value_range``, ``neighbors`` and ``convention``: "paper" for
            what its text says, "released_code" for what its program does. Which values are measured, ``layers`` says:
            those before the nonlinearity, by default, are also the program's; the text does not say.
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
    convention: str = "standard"
    preset: str | None = None

    def __post_init__(self) -> None:
        if self.preset is not None:
            self._take_preset()
        check_count(self.neighbors, name="neighbors")
        check_count(self.max_samples, name="max_samples", minimum=self.neighbors + 1)
        check_count(self.max_units, name="max_units", minimum=2)
        check_count(self.bins, name="bins")
        check_count(self.memory_limit, name="memory_limit")
        check_count(self.seed, name="seed", minimum=0)
        check_value_range(self.value_range, choices=VALUE_RANGES)
        check_choice(self.convention, name="convention", choices=CONVENTIONS)
        check_choice(self.backend, name="backend", choices=BACKENDS)
        if not callable(self.pooling):
            check_choice(self.pooling, name="pooling", choices=POOLINGS)
        if not isinstance(self.device, str):
            raise TypeError(f'device: "auto" or the name of a torch device is required, got {describe(self.device)}.')

    def _take_preset(self) -> None:
        fields = PRESETS[check_choice(self.preset, name="preset", choices=tuple(PRESETS))]
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for name, value in fields.items():
            given = getattr(self, name)
            if given not in (defaults[name], value):
                raise ValueError(
                    f"{name}: {value!r} is required with preset={self.preset!r}, got {given!r}; leave one of both out."
                )
            object.__setattr__(self, name, value)  # frozen from the end of this method on

    def to_state(self) -> dict[str, Any]:
        """Plain numbers and strings of what decides the numbers, for a report; a function is given by its name."""
        state = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        # The first two change no number; what a preset sets stands there by itself.
        del state["memory_limit"], state["device"], state["preset"]
        if callable(self.pooling):
            state["pooling"] = f"{self.pooling.__module__}.{getattr(self.pooling, '__qualname__', 'callable')}"
        if not isinstance(self.value_range, str):
            state["value_range"] = [float(edge) for edge in self.value_range]
        return state
