"""The logged values of a run, by measure and layer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from lightning_infomem.records.layer_courses import LayerCourses
from lightning_infomem.records.metric_names import Metric, MetricName, metric_name

__all__ = ["Course"]


class Course:
    """The values that one monitor logged at every measurement of a run.

    Args:
        prefix: First part of the monitor's names.
        history: Logged name -> value at each measurement, with ``epoch`` and ``step``, oldest first.

    >>> course = Course("a", [{"a/fc.0/mi_mean": 0.5, "a/mi_mean": 0.25, "epoch": 0.0, "step": 9.0}])
    >>> course.layers, course.steps, course.values("mi_mean"), course.last("mi_mean", "fc.0")
    (['fc.0'], [9], [0.25], 0.5)
    """

    def __init__(self, prefix: str, history: Iterable[Mapping[str, float]] = ()) -> None:
        self.prefix = prefix
        self.history = [dict(values) for values in history]

    @property
    def epochs(self) -> list[float]:
        """Epoch of each measurement; transformers counts parts of epochs."""
        return [values["epoch"] for values in self.history]

    @property
    def steps(self) -> list[int]:
        """Global step of each measurement."""
        return [int(values["step"]) for values in self.history]

    @property
    def layers(self) -> list[str]:
        """Names of the layers, as they were logged, in the order of the network."""
        names = dict.fromkeys(name for values in self.history for name in values)
        parts = [found for name in names if (found := MetricName.of(name, self.prefix)) is not None]
        return list(dict.fromkeys(each.layer for each in parts if each.layer is not None))

    def values(self, measure: str, layer: str | None = None) -> list[float]:
        """Value at each measurement, of a layer or over all layers; NaN where it was not logged."""
        name = metric_name(self.prefix, measure, layer)
        return [values.get(name, math.nan) for values in self.history]

    def last(self, measure: str, layer: str | None = None) -> float:
        """Value at the last measurement; NaN if it was not logged."""
        return self.values(measure, layer)[-1] if self.history else math.nan

    def layer_courses(self, measurement: str = "", *, by_step: bool = False) -> LayerCourses:
        """Return the means of all layers at all measurements, for figures.

        Args:
            measurement: Settings of the measurement, as text for a title.
            by_step: Whether to use steps even where epochs would do.
        """
        layers, epochs = self.layers, [math.nan] * len(self.history) if by_step else self.epochs
        entropy, information = (
            [self.values(measure, layer) for layer in layers] for measure in (Metric.ENTROPY_MEAN, Metric.MI_MEAN)
        )
        return LayerCourses.along(layers, epochs, self.steps, entropy, information, measurement)
