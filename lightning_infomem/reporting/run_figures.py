"""The figures of a measurement and of the run so far."""

from __future__ import annotations

from functools import partial

from lightning_infomem.plots.epochs_map import plot_epochs_map
from lightning_infomem.plots.information_map import plot_information_map
from lightning_infomem.plots.layers import plot_layers
from lightning_infomem.plots.run import plot_run
from lightning_infomem.records.descriptions import describe_settings
from lightning_infomem.records.layer_courses import LayerCourses
from lightning_infomem.records.metric_names import Metric
from lightning_infomem.records.report import InformationReport
from lightning_infomem.reporting.pictures import Drawing
from lightning_infomem.runs.course import RunCourse

__all__ = ["run_figures"]


def run_figures(course: RunCourse, report: InformationReport, *, along_run: bool = True) -> dict[str, Drawing]:
    """Last part of the logged name -> a function that draws the figure.

    Args:
        course: The run so far.
        report: The last measurement.
        along_run: Also draw the figures of the run so far, which need two measurements.
    """
    figures: dict[str, Drawing] = {
        "layers": partial(plot_layers, report),
        "information_map": partial(plot_information_map, report),
    }
    if not along_run or course.judgement is None or len(course.history) < 2:
        return figures
    figures["run"] = partial(
        plot_run,
        course.values_of("epoch"),
        course.values_of(Metric.MI_MEAN),
        course.values_of(Metric.SMOOTHNESS),
        course.judgement,
        memorizing=[value == 1 for value in course.values_of(Metric.MEMORIZING)],
        steps=course.values_of("step"),
    )
    figures["epochs_map"] = lambda: plot_epochs_map(_layer_courses(course, report))
    return figures


def _layer_courses(course: RunCourse, report: InformationReport) -> LayerCourses:
    names = [layer.name for layer in report.layers]
    entropy, information = (
        [course.values_of(measure, name) for name in names] for measure in (Metric.ENTROPY_MEAN, Metric.MI_MEAN)
    )
    epochs, steps = course.values_of("epoch"), course.values_of("step")
    return LayerCourses.along(names, epochs, steps, entropy, information, describe_settings([report]))
