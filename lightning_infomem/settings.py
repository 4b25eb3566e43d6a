"""All settings of a measurement, checked once; they are stored with every report."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from lightning_infomem._checks import check_choice, check_count, describe, nearest_names
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.functional.entropy import check_value_range
from lightning_infomem.kernels import BACKENDS
from lightning_infomem.records.tasks import GIVEN_TASKS

__all__ = ["POOLINGS", "PRESETS", "VALUE_RANGES", "MeasurementSettings", "check_setting_names"]

POOLINGS = ("mean", "max", "flatten", "center", "cls", "last")
VALUE_RANGES = ("network", "layer", "unit")

# The settings in the text of "Measures of Information Reflect Memorization Patterns", and those of the program released
# with it. Neither is the default; the section on the paper in the README shows how each choice changes the numbers.
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {"bins": 100, "value_range": "unit", "neighbors": 3},
    "released_code": {"bins": 100, "value_range": "network", "neighbors": 3, "backend": "auto"},
}


@dataclass(frozen=True)
class MeasurementSettings:
    """Settings of a measurement: what is sampled and how it is measured.

    `MemorizationMonitor`, `MemorizationTrainerCallback`, `measure` and `rank_checkpoints` take each of these fields as
    a keyword argument.

    Args:
        max_samples: Largest number of rows to measure, drawn uniformly from one pass over the data. The same rows are
            drawn whenever the data come in the same order.
        max_units: Largest number of units to measure in each layer, drawn uniformly. The same units are drawn for every
            model with the same widths, and those of a smaller number are among those of a larger one. Time and memory
            grow with its square: 64 take a quarter of the time, and rank most networks as well
            (`examples/benchmarks/results/units.md`).
        pooling: How the positions of a feature map or sequence become one row for each example: "mean" (over the
            positions that an attention mask admits), "max", "flatten" (every position is a separate unit), "center",
            "cls" (the first position), "last" (the last one that the mask admits), or a function
            ``[examples, positions, units]`` -> ``[examples, units]``.
        seed: Seed of the private generators that draw rows and units.
        bins: Number of histogram bins for the entropy.
        value_range: Range of these bins: "network" (one range over all measured layers), "layer", "unit", or
            ``(low, high)``. The default is "network" because only then does entropy rise with random labels, as the
            paper's second hypothesis says: on Shuffled MNIST its tau with generalisation is +1.00, but -.80 with one
            range per unit, which the paper describes (`examples/paper/results/tables.md`).
        neighbors: Number k of nearest neighbours for the mutual information.
        backend: Kernel that searches for neighbours: "auto", "reference", "cpu" or "cuda"; see
            `kernels.select_backend`.
        device: Device to measure on: "auto" (where the activations are), or the name of a torch device such as "cpu".
        normal_scores: Whether to measure the mutual information of normal scores too, as one more baseline. They depend
            neither on scale nor on heavy tails. The measurement then takes twice as long.
        memory_limit: Number of bytes for temporary tensors. It changes no result.
        task: What the network does: "classification", "regression", or "none" if its outputs are neither. "auto" looks
            for evidence: integer labels in the batches, or a loss or metric that the network owns. Only the outputs of
            a classification are taken for logits of classes; of other networks no confidence is logged, and the alarm
            abstains.
        examples: What one example is, where it cannot be seen, as for graphs, detection lists and batch classes of your
            own: the number of examples in each batch; or a function of the batch that returns this number, or an
            integer tensor ``[rows]`` that names the example of each row.
        preset: Name in `PRESETS` that sets ``bins``, ``value_range`` and ``neighbors``, also where they were given with
            their default values: "paper" for the text of the paper, or "released_code" for its program, with
            `functional.released_code` instead of a backend. Use the latter only to compare numbers with that program,
            because it is wrong by whole nats for tied values. The preset does not choose layers: the program takes
            values before the nonlinearity, which is our default, and the text does not say.
    """

    max_samples: int = 1024
    max_units: int = 128
    pooling: str | Callable[[Tensor], Tensor] = "mean"
    seed: int = 0
    bins: int = 100
    value_range: str | tuple[float, float] = "network"
    neighbors: int = 3
    backend: str = "auto"
    device: str = "auto"
    normal_scores: bool = False
    memory_limit: int = 2**28
    task: Literal["auto", "classification", "regression", "none"] = "auto"
    examples: int | Callable[[Any], int | Tensor] | None = None
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
        check_choice(self.backend, name="backend", choices=BACKENDS)
        check_choice(self.task, name="task", choices=GIVEN_TASKS)
        if self.examples is not None and not callable(self.examples):
            if isinstance(self.examples, bool) or not isinstance(self.examples, int):
                raise UsageTypeError(
                    "examples: a whole number >= 1, or a function of the batch, is required, got "
                    f"{describe(self.examples)}; or leave it out."
                )
            check_count(self.examples, name="examples")
        if not callable(self.pooling):
            check_choice(self.pooling, name="pooling", choices=POOLINGS)
        if not isinstance(self.device, str):
            raise UsageTypeError(
                f'device: "auto" or the name of a torch device is required, got {describe(self.device)}.'
            )

    def _take_preset(self) -> None:
        fields = PRESETS[check_choice(self.preset, name="preset", choices=tuple(PRESETS))]
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for name, value in fields.items():
            given = getattr(self, name)
            if given not in (defaults[name], value):
                raise UsageValueError(
                    f"{name}: {value!r} is required with preset={self.preset!r}, got {given!r}; leave one of both out."
                )
            object.__setattr__(self, name, value)  # the dataclass is frozen

    @property
    def convention(self) -> str:
        """The estimators that are used: "standard" or "released_code"."""
        return "released_code" if self.preset == "released_code" else "standard"

    def to_state(self) -> dict[str, Any]:
        """Return the settings that influence results, as numbers and strings; a function becomes its name."""
        state = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        # The first two change no result. The third only sets other fields, and the convention.
        del state["memory_limit"], state["device"], state["preset"]
        state["convention"] = self.convention
        for name in ("pooling", "examples"):
            if callable(function := state[name]):
                state[name] = f"{function.__module__}.{getattr(function, '__qualname__', 'callable')}"
        if not isinstance(self.value_range, str):
            state["value_range"] = [float(edge) for edge in self.value_range]
        return state


def check_setting_names(settings: Iterable[str], door: Callable[..., Any]) -> None:
    """Require that the remaining keyword arguments of a function or class are fields of `MeasurementSettings`.

    Args:
        settings: Names of these arguments, which can be misspelt arguments of ``door``.
        door: Function or class that forwards them. The error suggests its arguments too.

    Raises:
        TypeError: A name is not a field of `MeasurementSettings`.
    """
    known = [field.name for field in dataclasses.fields(MeasurementSettings)]
    arguments = [name for name, each in inspect.signature(door).parameters.items() if each.kind is not each.VAR_KEYWORD]
    for name in settings:
        if name not in known:
            nearest = ", ".join(nearest_names(name, [*known, *arguments], count=2))
            raise UsageTypeError(
                f"{name}: an argument of {door.__name__} or a field of MeasurementSettings is required, got neither; "
                f"nearest: {nearest}."
            )
