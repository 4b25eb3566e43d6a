"""The histograms and figures of a measurement, for loggers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lightning_infomem.records.metric_names import OVERVIEW_MEASURES, Metric, metric_name, overview_name
from lightning_infomem.records.report import InformationReport

__all__ = ["Drawing", "Pictures"]

Drawing = Callable[[], Figure]

_BINS = 64
_SAME = 1e-9  # nats; numpy cannot divide a smaller difference, which is rounding, into bins

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Pictures:
    """The histograms and figures of one measurement, made when the first logger asks for them.

    Attributes:
        drawings: Last part of its logged name -> function that draws a figure.
        step: Place on the x-axis, as for the scalars.
        prefix: First part of the names.
        report: Report with the values for the histograms; None for figures only.
        values: Scalars of the measurement.
    """

    drawings: Mapping[str, Drawing]
    step: int
    prefix: str
    report: InformationReport | None = None
    values: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def histograms(self) -> dict[str, NDArray[np.float64]]:
        """Name -> finite values ``[values]`` in nats, at least one."""
        return {
            metric_name(self.prefix, measure, layer.name): values.cpu().numpy()
            for layer in (self.report.layers if self.report else ())
            for measure, values in ((Metric.ENTROPY, layer.finite_entropy()), (Metric.MI, layer.pairs()))
            if len(values)
        }

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """Name -> figure, without those that could not be drawn. All loggers share a figure, so none may close it."""
        drawn: dict[str, Figure] = {}
        for what, draw in self.drawings.items():
            name = metric_name(self.prefix, what)
            try:
                drawn[name] = draw()
            except Exception as fault:
                _log.warning("the figure %s could not be drawn: %s", name, fault)
        return drawn

    @property
    def overview(self) -> dict[str, float]:
        """Name in TensorBoard's first group -> mean over all layers in nats."""
        logged = {what: metric_name(self.prefix, measure) for measure, what in OVERVIEW_MEASURES.items()}
        return {
            overview_name(self.prefix, what): self.values[name] for what, name in logged.items() if name in self.values
        }

    def binned(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Count the values of one histogram, for loggers that do not.

        Returns:
            Counts ``[64]`` and edges ``[65]`` of bins of equal width from the lowest to the highest value. If all
            values are equal, the bins span 1 nat around them.
        """
        values = self.histograms[name]
        low, high = values.min(), values.max()
        margin = 0.5 if high - low < _SAME else 0.0
        return np.histogram(values, _BINS, range=(low - margin, high + margin))
