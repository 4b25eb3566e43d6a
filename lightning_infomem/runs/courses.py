"""What a run has logged, taken apart by monitor and layer."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from lightning_infomem.records.layer_courses import LayerCourses

__all__ = ["LAYER_MEASURES", "RUN_MEASURES", "Course", "MonitorCourse", "RunValues", "courses_of"]

# Name of a logged value -> (step, value), oldest first.
RunValues = dict[str, list[tuple[int, float]]]

LAYER_MEASURES = ("entropy_mean", "mi_mean", "mi_drop", "dead_fraction", "tie_fraction", "smoothness")
# Logged over all layers only: they tell a monitor's prefix from the name of a layer.
_OF_A_MONITOR = ("samples", "seconds")
RUN_MEASURES = ("epoch", "memorizing", "smoothness_drop", "consensus_drop", *_OF_A_MONITOR)


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
        over_layers: measure -> its course over all layers; also ``epoch``, which is the run's.
        layers: name of a layer, as it was logged -> measure -> its course; in the order of the network.
    """

    prefix: str
    over_layers: Mapping[str, Course]
    layers: Mapping[str, Mapping[str, Course]]

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
        steps = self.get("seconds").steps
        epochs = [math.nan if by_step else self.get("epoch").at(step) for step in steps]
        entropy, information = (
            [[courses.get(name, Course()).at(step) for step in steps] for courses in self.layers.values()]
            for name in ("entropy_mean", "mi_mean")
        )
        return LayerCourses.along(list(self.layers), epochs, steps, entropy, information, measurement)


def courses_of(values: RunValues) -> list[MonitorCourse]:
    """Take apart what a run has logged, by the names that `metric_name` makes.

    Args:
        values: of the run; names may have anything in front, as ``train/`` of Hugging Face's Trainer.

    Returns:
        One for each prefix that has measures of layers, in order of appearance.

    >>> run = {"a/seconds": [(9, 1.0)], "a/fc.0/mi_mean": [(9, 0.5)], "a/mi_mean": [(9, 0.5)], "loss": [(9, 2.0)]}
    >>> [(monitor.prefix, list(monitor.layers)) for monitor in courses_of(run)]
    [('a', ['fc.0'])]
    """
    courses = {
        name: Course(tuple(step for step, _ in course), tuple(value for _, value in course))
        for name, course in values.items()
    }
    parts = {name: name.rsplit("/", 1) for name in courses if "/" in name}
    monitors = dict.fromkeys(place for place, measure in parts.values() if measure in _OF_A_MONITOR)
    found = []
    for prefix in monitors:
        own = {measure: courses[name] for name, (place, measure) in parts.items() if place == prefix}
        layers: dict[str, dict[str, Course]] = {}
        for name, (place, measure) in parts.items():
            above, _, layer = place.rpartition("/")
            if above == prefix and place not in monitors and measure in LAYER_MEASURES:
                layers.setdefault(layer, {})[measure] = courses[name]
        # Hugging Face's Trainer puts all that it logs under train/.
        epochs = [name for name in (f"{prefix.rpartition('/')[0]}/epoch", "epoch") if name in courses]
        if epochs:
            own["epoch"] = courses[epochs[0]]
        if layers:
            found.append(MonitorCourse(prefix, own, layers))
    return found
