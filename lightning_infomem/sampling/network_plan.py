"""What a network is, as it was read from one of its batches: layers, head, examples, task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from torch import nn

from lightning_infomem.sampling.batches import ExampleCounter
from lightning_infomem.settings import MeasurementSettings

__all__ = ["LayerPlan", "NetworkPlan"]

_NAMED = 8  # layers in one line


class LayerPlan(NamedTuple):
    """What a layer becomes: its rows in the batch that was read, and its units."""

    rows: int
    units: int


@dataclass(frozen=True)
class NetworkPlan:
    """What is measured of a network, and what it was taken for.

    Attributes:
        layers: Name -> rows and units of each layer to measure, in the order in which the network calls them.
        head: Name of the module whose outputs ``[examples, classes]`` are taken for the logits; None if there is none.
        num_classes: Number of its outputs.
        task: "classification", "regression", "none", "assumed" (a plain module with two or more outputs) or "unknown".
        task_reason: What this rests on.
        settings: Settings of the measurement.
        examples: Number of examples in the batch that was read.
        views: Rows of the network for each example: 2 where two views of each image run as one batch.
        left_out: Name -> reason, of layers that were asked for or would be chosen, but cannot be measured.
    """

    layers: Mapping[str, LayerPlan]
    head: str | None = None
    num_classes: int = 0
    task: str = "unknown"
    task_reason: str = ""
    settings: MeasurementSettings = field(default_factory=MeasurementSettings, repr=False)
    examples: int = 0
    views: int = 1
    left_out: Mapping[str, str] = field(default_factory=dict)
    counter: ExampleCounter = field(default_factory=ExampleCounter, repr=False)
    is_time_first: bool = False
    modules: Mapping[str, nn.Module] = field(default_factory=dict, repr=False, compare=False)

    def with_task(self, task: str, reason: str) -> NetworkPlan:
        """Return the plan with what became known of the task."""
        return replace(self, task=task, task_reason=reason)

    @property
    def num_pairs(self) -> int:
        """Number of pairs of units that a measurement searches, which is most of its cost."""
        kept = [min(plan.units, self.settings.max_units) for plan in self.layers.values()]
        return sum(units * (units - 1) // 2 for units in kept)

    def __str__(self) -> str:
        """Return the plan in a few lines: layers with the shapes that they become, the head, the task, the cost."""
        layers = "1 layer" if len(self.layers) == 1 else f"{len(self.layers)} layers"
        rows = f"{self.settings.max_samples} examples"
        lines = [f"{layers}, at most {rows} of batches such as this one of {self.examples}:"]
        lines += [f"  {name}  [{rows}, {self._units(plan)}]" for name, plan in self.layers.items()]
        lines += [f"  {name}  left out: {why}" for name, why in self.left_out.items()]
        if self.head is None:
            lines.append("  no head with outputs [examples, classes]")
        else:
            lines.append(f"  head: {self.head or 'the network itself'}, {self.num_classes} outputs")
        lines.append(f"  task: {self.task} ({self.task_reason})" if self.task_reason else f"  task: {self.task}")
        lines.append(f"  cost: {self.num_pairs:,} pairs of units a measurement")
        return "\n".join(lines)

    def in_one_line(self) -> str:
        """Return layers, head, task and cost without line breaks; of many layers the first and the last."""
        named = [f"{name} [{self._units(plan)}]" for name, plan in self.layers.items()]
        if len(named) > _NAMED:
            named[_NAMED // 2 : -_NAMED // 2] = [f"... {len(named) - _NAMED} more ..."]
        head = "no head" if self.head is None else f"head {self.head or 'the network itself'}"
        task = "task not known yet" if self.task == "unknown" else f"task {self.task}"
        return (
            f"measures {', '.join(named) or 'no layer'}; {head}; {task} ({self.task_reason}); "
            f"{self.num_pairs:,} pairs of units a measurement"
        )

    def _units(self, plan: LayerPlan) -> str:
        kept = min(plan.units, self.settings.max_units)
        return f"{kept} units" if kept == plan.units else f"{kept} of {plan.units} units"
