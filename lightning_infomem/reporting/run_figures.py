"""The figures of a measurement and of the run so far."""

from __future__ import annotations

from functools import partial

from lightning_infomem.plots.epochs_map import plot_epochs_map
from lightning_infomem.plots.information_map import plot_information_map
from lightning_infomem.plots.layers import plot_layers
from lightning_infomem.plots.run import plot_run
from lightning_infomem.records.descriptions import describe_settings
from lightning_infomem.records.metric_names import Metric
from lightning_infomem.records.report import InformationReport
from lightning_infomem.reporting.pictures import Drawing
from lightning_infomem.runs.run_course import RunCourse

__all__ = ["run_figures"]


def run_figures(course: RunCourse, report: InformationReport, *, along_run: bool = True) -> dict[str, Drawing]:
    """Return the last part of each logged name, with a function that draws the figure.

    Args:
        course: Course of the run so far.
        report: Report of the last measurement.
        along_run: Whether to include the figures of the run so far, which need two measurements.
    """
    figures: dict[str, Drawing] = {
        "layers": partial(plot_layers, report),
        "information_map": partial(plot_information_map, report),
    }
    if not along_run or course.judgement is None or len(course.history) < 2:
        return figures
    figures["run"] = partial(
        plot_run,
        course.epochs,
        course.values(Metric.MI_MEAN),
        course.values(Metric.SMOOTHNESS),
        course.judgement,
        memorizing=[value == 1 for value in course.values(Metric.MEMORIZING)],
        steps=course.steps,
    )
    figures["epochs_map"] = lambda: plot_epochs_map(course.layer_courses(describe_settings([report])))
    return figures
