"""What of a report goes to the loggers beside its scalars."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lightning_infomem.records.metric_names import OVERVIEW_MEASURES, Metric, metric_name, overview_name
from lightning_infomem.records.report import InformationReport

__all__ = ["Drawing", "Pictures", "draw_figures", "picture"]

Drawing = Callable[[], Figure]

_BINS = 64
_SAME = 1e-9  # nats; values this close are equal but for rounding, which numpy cannot divide into bins

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Pictures:
    """The histograms and figures of one measurement, under the names that loggers show.

    Attributes:
        histograms: name -> finite values ``[values]``, at least one; nats.
        figures: name -> figure. All loggers share it: leave it open.
        overview: name in TensorBoard's first group -> mean over all layers; nats.
        together: the name for all histograms in one file.
        step: place on the x-axis, the one of the scalars.
    """

    histograms: Mapping[str, NDArray[np.float64]]
    figures: Mapping[str, Figure]
    overview: Mapping[str, float]
    together: str
    step: int

    def binned(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Count one histogram's values, for loggers that do not count themselves.

        Returns:
            Counts ``[64]`` and edges ``[65]`` of bins of equal width between the lowest and the highest value. Equal
            values stand in the middle of bins that span 1 nat.
        """
        values = self.histograms[name]
        low, high = values.min(), values.max()
        around = 0.5 if high - low < _SAME else 0.0
        counts, edges = np.histogram(values, _BINS, range=(low - around, high + around))
        return counts, edges


def picture(
    report: InformationReport, figures: Mapping[str, Drawing], values: Mapping[str, float], *, step: int, prefix: str
) -> Pictures:
    """Collect what loggers show of a report.

    Args:
        report: the measures; what is not finite is left out, and so is a histogram of nothing.
        figures: the last part of its name -> draws a figure. Where that fails, the log says so and the others go on.
        values: the scalars of the measurement.
        step: place on the x-axis.
        prefix: first part of the names.
    """
    histograms = {
        metric_name(prefix, measure, layer.name): values.cpu().numpy()
        for layer in report.layers
        for measure, values in ((Metric.ENTROPY, layer.finite_entropy()), (Metric.MI, layer.pairs()))
        if len(values)
    }
    names = {metric_name(prefix, measure): overview_name(prefix, what) for measure, what in OVERVIEW_MEASURES.items()}
    overview = {shown: values[name] for name, shown in names.items() if name in values}
    return Pictures(histograms, draw_figures(figures, prefix), overview, metric_name(prefix, Metric.HISTOGRAMS), step)


def draw_figures(figures: Mapping[str, Drawing], prefix: str) -> dict[str, Figure]:
    """Draw figures under the names that loggers show; where one fails, the log says so and the others go on."""
    drawn: dict[str, Figure] = {}
    for what, draw in figures.items():
        name = metric_name(prefix, what)
        try:
            drawn[name] = draw()
        except Exception as fault:
            _log.warning("the figure %s could not be drawn: %s", name, fault)
    return drawn
