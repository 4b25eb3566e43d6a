"""What a run has logged, taken apart by layer and measure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lightning_infomem.records.layer_courses import LayerCourses
from lightning_infomem.records.metric_names import Metric, MetricName, logged_name

__all__ = ["Course", "MonitorCourse"]


@dataclass(frozen=True)
class Course:
    """One value along a run.

    Attributes:
        steps: of the run, rising.
        values: at these steps; what is not finite stays as it is.
    """

    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def last(self) -> float:
        """NaN without any."""
        return self.values[-1] if self.values else math.nan

    def at(self, step: int) -> float:
        """The last value until a step; NaN before the first."""
        until = bisect_right(self.steps, step)
        return self.values[until - 1] if until else math.nan


@dataclass(frozen=True)
class MonitorCourse:
    """What one `MemorizationMonitor` has logged in a run.

    Attributes:
        prefix: of its names.
        steps: Global steps of its measurements, oldest first.
        over_layers: measure -> its course over all layers; also ``epoch``, which is the run's.
        layers: name of a layer, as it was logged -> measure -> its course; in the order of the network.
    """

    prefix: str
    steps: tuple[int, ...]
    over_layers: Mapping[str, Course]
    layers: Mapping[str, Mapping[str, Course]]

    @classmethod
    def of(cls, prefix: str, history: Iterable[Mapping[str, float]]) -> MonitorCourse:
        """Take a history apart, by the names that `metric_name` makes.

        Args:
            prefix: of the monitor; other names are passed over.
            history: the logged values of every measurement, with ``epoch`` and ``step``, oldest first.

        >>> history = [{"a/fc.0/mi_mean": 0.5, "a/mi_mean": 0.5, "epoch": 0.0, "step": 9.0}]
        >>> course = MonitorCourse.of("a", history)
        >>> course.get("mi_mean").values, list(course.layers), course.epoch(9)
        ((0.5,), ['fc.0'], 0)
        """
        found: dict[str, list[tuple[int, float]]] = {}
        steps = []
        for values in history:
            steps.append(int(values["step"]))
            for name, value in values.items():
                found.setdefault(name, []).append((steps[-1], value))
        over_layers: dict[str, Course] = {}
        layers: dict[str, dict[str, Course]] = {}
        for name, pairs in found.items():
            parts = MetricName.of(name)
            course = Course(tuple(step for step, _ in pairs), tuple(value for _, value in pairs))
            if name == "epoch":
                over_layers[name] = course
            elif parts is not None and parts.prefix == logged_name(prefix):
                place = over_layers if parts.layer is None else layers.setdefault(parts.layer, {})
                place[parts.measure] = course
        return cls(prefix, tuple(steps), over_layers, layers)

    def get(self, measure: str) -> Course:
        """The course over all layers; an empty one where it was not logged."""
        return self.over_layers.get(measure, Course())

    def epoch(self, step: int) -> int | None:
        """Of a step, None where it was not logged."""
        epoch = self.get("epoch").at(step)
        return int(epoch) if math.isfinite(epoch) else None

    def layer_courses(self, measurement: str = "", *, by_step: bool = False) -> LayerCourses:
        """The means of the layers at all measurements, as figures want them.

        Args:
            measurement: with what settings was measured, in the words of a title.
            by_step: the moments are steps, whether epochs are known or not.
        """
        epochs = [math.nan if by_step else self.get("epoch").at(step) for step in self.steps]
        entropy, information = (
            [[courses.get(name, Course()).at(step) for step in self.steps] for courses in self.layers.values()]
            for name in (Metric.ENTROPY_MEAN, Metric.MI_MEAN)
        )
        return LayerCourses.along(list(self.layers), epochs, self.steps, entropy, information, measurement)
