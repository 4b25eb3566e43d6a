"""What a network is, as it was read from one of its batches: layers, head, examples, task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from torch import nn

from lightning_infomem.sampling.batches import ExampleCounter

__all__ = ["LayerPlan", "NetworkPlan"]


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
        examples: Number of examples in the batch that was read.
        views: Rows of the network for each example: 2 where two views of each image run as one batch.
        left_out: Name -> reason, of layers that were asked for or would be chosen, but cannot be measured.
    """

    layers: Mapping[str, LayerPlan]
    head: str | None = None
    num_classes: int = 0
    task: str = "unknown"
    task_reason: str = ""
    examples: int = 0
    views: int = 1
    left_out: Mapping[str, str] = field(default_factory=dict)
    counter: ExampleCounter = field(default_factory=ExampleCounter, repr=False)
    is_time_first: bool = False
    modules: Mapping[str, nn.Module] = field(default_factory=dict, repr=False, compare=False)

    def with_task(self, task: str, reason: str) -> NetworkPlan:
        """Return the plan with what became known of the task."""
        return replace(self, task=task, task_reason=reason)

    def __str__(self) -> str:
        """Return the plan in a few lines: layers with their shapes, the head, the task."""
        count = self.examples * self.views
        layers = "1 layer" if len(self.layers) == 1 else f"{len(self.layers)} layers"
        lines = [f"{layers}, {count} rows in a batch of {self.examples} examples:"]
        lines += [f"  {name}  [{plan.rows} examples, {plan.units} units]" for name, plan in self.layers.items()]
        lines += [f"  {name}  left out: {why}" for name, why in self.left_out.items()]
        if self.head is None:
            lines.append("  no head with outputs [examples, classes]")
        else:
            lines.append(f"  head: {self.head or 'the network itself'}, {self.num_classes} outputs")
        lines.append(f"  task: {self.task} ({self.task_reason})" if self.task_reason else f"  task: {self.task}")
        return "\n".join(lines)

    def in_one_line(self) -> str:
        """Return the layers, the head and the task, without line breaks."""
        layers = ", ".join(f"{name} [{plan.units} units]" for name, plan in self.layers.items()) or "no layer"
        head = "no head" if self.head is None else f"head {self.head or 'the network itself'}"
        return f"measures {layers}; {head}; task {self.task} ({self.task_reason})"
