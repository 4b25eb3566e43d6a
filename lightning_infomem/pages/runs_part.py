"""Several runs beside one another as parts of a page."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_infomem.pages.elements import figure, number, table
from lightning_infomem.records.metric_names import Metric
from lightning_infomem.runs.recorded_runs import RecordedRun

__all__ = ["compare_runs"]

# Head of a column -> measure over all layers, form of its numbers.
_LAST: dict[str, tuple[str, str]] = {
    "entropy": (Metric.ENTROPY_MEAN, ".4f"),
    "MI": (Metric.MI_MEAN, ".4f"),
    "MI drop": (Metric.MI_DROP, ".0%"),
    "smoothness": (Metric.SMOOTHNESS, ".3f"),
}


def compare_runs(runs: Sequence[RecordedRun], names: Sequence[str]) -> list[str]:
    """Put the last measurements of runs into one table, and their courses and newest reports into one figure each.

    Args:
        runs: at least two.
        names: of them.
    """
    lines, classes = [], []
    for run, name in zip(runs, names, strict=True):
        line = [name, str(len(run.course.history)), str(int(run.last.epoch))]
        line += [number(run.course.last(measure), form) for measure, form in _LAST.values()]
        lines.append([*line, run.state[0]])
        classes.append("doubtful" if run.last.is_memorizing else "")
    head = ["run", "measured", "last epoch", *_LAST, "alarm"]
    note = "By the last measurement of each; means over layers, nats. Comparable where inputs, settings and layers are."
    parts = [f'{table(head, lines, classes, text={"run", "alarm"})}<p class="pale">{note}</p>']
    return [*parts, *_draw(runs, names)]


def _draw(runs: Sequence[RecordedRun], names: Sequence[str]) -> list[str]:
    from lightning_infomem.plots import plot_comparison, plot_runs

    parts = []
    if any(len(run.course.steps) > 1 for run in runs):
        courses = [run.course.layer_courses() for run in runs]
        if len({each.unit for each in courses}) > 1:
            courses = [run.course.layer_courses(by_step=True) for run in runs]
        parts.append(figure(plot_runs(courses, names), "Means over the layers along each run"))
    known = [(run.report, name) for run, name in zip(runs, names, strict=True) if run.report and run.report.layers]
    if len(known) > 1:
        reports, labels = zip(*known, strict=True)
        parts.append(figure(plot_comparison(reports, labels), "Entropy of units and mutual information of their pairs"))
    return parts
