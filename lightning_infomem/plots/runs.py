"""Figure of the course of both measures over several runs, one line per run."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lightning_infomem._checks import check_levels, check_one_each, check_shares
from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.names import MOST_NAMED, name_ends, shorten_name
from lightning_infomem.records.layer_courses import LayerCourses, layer_courses
from lightning_infomem.records.report import InformationReport

__all__ = ["plot_runs"]

_LONGEST_NAME, _LONGEST_LINE = 24, 30  # characters: of the name of a run, and above a panel
_MOST_DOTS = 20  # moments; more dots would be a thick line


def plot_runs(
    runs: Sequence[Sequence[InformationReport] | LayerCourses],
    names: Sequence[str],
    *,
    levels: Sequence[float] | None = None,
    level_name: str = "level",
    accuracies: Sequence[Sequence[float]] | None = None,
    accuracy_name: str = "validation accuracy",
) -> Figure:
    """Draw mean entropy and mean mutual information of several runs against their moments, one line per run.

    Do not choose an epoch by this figure: neither the lowest nor the highest value of a run marks its best epoch.

    Args:
        runs: Reports of each run, or the means of its layers; at least one run. Moments must be epochs in all runs, or
            steps in all, or numbers in all; runs may be measured at different moments.
        names: Name of each run.
        levels: Finite level of each run, such as the share of random labels. Levels set the colours of the lines, and a
            bar explains them. Without levels, colours go from dark for the first run to bright for the last.
        level_name: Label of the bar.
        accuracies: For each run, one accuracy between 0 and 1 per moment, oldest first, drawn in a separate panel. NaN
            leaves a gap.
        accuracy_name: Heading of that panel.

    Returns:
        A figure without a window or pyplot state, with panels for accuracy (if given), mean entropy and mean mutual
        information. A value is the mean over the layers that have one at that moment, with the same weight for every
        layer, as in the metrics ``infomem/entropy_mean`` and ``infomem/mi_mean``; a moment without any leaves a gap. A
        dot marks the last value of each run, and a name beside the mutual information identifies it. Above 20 runs, 20
        evenly spaced ones are named, and the title says so.

    Raises:
        ValueError: There is no run; a run has no layer; runs have different kinds of moments; names, levels or
            accuracies differ in number from the runs or moments; a level is not finite; or an accuracy is not between
            0 and 1.

    Cost:
        That of `layer_courses` for each run given as reports.

    Reference:
        "Measures of Information Reflect Memorization Patterns" (NeurIPS 2022), figures 4 and 5, in kind.
    """
    courses = [layer_courses(run) for run in runs]
    unit = _check(courses, names)
    check_levels(levels, len(courses), of="runs")
    _check_accuracies(accuracies, courses, names)
    panels = [("mean entropy", "nats", [_over_layers(each.entropy) for each in courses])]
    panels.append(("mean mutual information", "nats", [_over_layers(each.mutual_information) for each in courses]))
    if accuracies is not None:
        values = [np.asarray(each, dtype=np.float64) for each in accuracies]
        panels.insert(0, (textwrap.fill(accuracy_name, _LONGEST_LINE), "share", values))
    colors = style.level_colors(range(len(courses)) if levels is None else levels)
    figure = Figure(figsize=(1.6 + 3.6 * len(panels), 4.4), layout="constrained")
    row = figure.subplots(1, len(panels)).tolist()
    for axes, (heading, label, values) in zip(row, panels, strict=True):
        ends = _draw(axes, courses, values, colors)
        axes.set_title(heading, fontsize=style.HEADING, parse_math=False)
        axes.set_ylabel(label, fontsize=style.HEADING)
        axes.set_xlabel(unit, fontsize=style.HEADING)
    name_ends(row[-1], ends, [shorten_name(name, _LONGEST_NAME) for name in names])
    if levels is not None:
        style.add_level_bar(figure, row, levels, level_name)
    title = " or ".join(sorted({each.measurement for each in courses} - {""}))
    if len(courses) > MOST_NAMED:
        title += f" · {MOST_NAMED} of {len(courses)} runs named"
    figure.suptitle(title, fontsize=style.HEADING)
    return figure


def _draw(
    axes: Axes, runs: Sequence[LayerCourses], values: Sequence[NDArray[Any]], colors: NDArray[Any]
) -> list[tuple[float, float] | None]:
    """Draw one line per run; return the end of each, None for a run without a value."""
    ends: list[tuple[float, float] | None] = []
    width = style.LINE if len(runs) <= MOST_NAMED else style.HAIR
    for run, line, color in zip(runs, values, colors, strict=True):
        dots = "." if len(line) <= _MOST_DOTS else ""
        axes.plot(run.moments, line, color=color, linewidth=width, marker=dots, markersize=style.DOT)
        known = np.flatnonzero(np.isfinite(line))
        end = (float(run.moments[known[-1]]), float(line[known[-1]])) if len(known) else None
        if end is not None:
            axes.plot(*end, "o", color=color, markersize=style.DOT, zorder=3)
        ends.append(end)
    style.frame(axes)
    style.set_whole_ticks(axes.xaxis, 5)
    style.set_round_ticks(axes.yaxis, 6)
    return ends


def _over_layers(values: NDArray[Any]) -> NDArray[Any]:
    """Return the mean over the finite layers; NaN if there is none."""
    return np.asarray(np.ma.masked_invalid(values).mean(0).filled(np.nan))


def _check(runs: Sequence[LayerCourses], names: Sequence[str]) -> str:
    """Return the unit of all moments."""
    if len(runs) == 0:
        raise UsageValueError("runs: at least one is required, got none; measure first.")
    check_one_each(names, len(runs), name="names", of="runs")
    for run, name in zip(runs, names, strict=True):
        if run.unit != runs[0].unit:
            raise UsageValueError(
                f"runs: moments of one kind are required, got {runs[0].unit}s in {names[0]!r} and {run.unit}s in "
                f"{name!r}; draw them separately, or give reports with known epochs, or steps, that occur only once."
            )
    return runs[0].unit


def _check_accuracies(
    accuracies: Sequence[Sequence[float]] | None, runs: Sequence[LayerCourses], names: Sequence[str]
) -> None:
    check_one_each(accuracies, len(runs), name="accuracies", of="runs")
    for values, run, name in zip([] if accuracies is None else accuracies, runs, names, strict=False):
        check_one_each(values, len(run.moments), name=f"accuracies of {name!r}", of="moments")
        check_shares(values, name=f"accuracies of {name!r}")
