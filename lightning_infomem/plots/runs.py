"""Several runs in one figure: the course of both measures, a line a run."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from lightning_infomem._checks import check_levels, check_one_each, check_shares
from lightning_infomem._errors import UsageValueError
from lightning_infomem.plots import style
from lightning_infomem.plots.names import MOST_NAMED, name_ends, shorten_name
from lightning_infomem.records.layer_courses import LayerCourses, layer_courses
from lightning_infomem.records.report import InformationReport

__all__ = ["plot_runs"]

_LONGEST_NAME, _LONGEST_LINE = 24, 30  # characters: of a run's name, and above a panel
_MOST_DOTS = 20  # moments; the dots of more would be a thick line


def plot_runs(
    runs: Sequence[Sequence[InformationReport] | LayerCourses],
    names: Sequence[str],
    *,
    levels: Sequence[float] | None = None,
    level_name: str = "level",
    accuracies: Sequence[Sequence[float]] | None = None,
    accuracy_name: str = "validation accuracy",
) -> Figure:
    """Draw mean entropy and mean mutual information of several runs against their moments, a line a run.

    Not for choosing an epoch: along a run neither the lowest nor the highest value marks the best one.

    Args:
        runs: the means of the layers of each, or its reports; at least one. All moments must be epochs, or all steps,
            or all numbered; the runs may have been measured at different ones.
        names: of the runs.
        levels: of the runs, finite, such as the share of random labels: the colours of the lines, which a bar
            explains. Without levels the colours go from dark for the first run to bright for the last.
        level_name: label of the bar.
        accuracies: of every run one share between 0 and 1 for each of its moments, oldest first, in a panel of its own;
            NaN leaves a gap.
        accuracy_name: heads that panel.

    Returns:
        A figure that belongs to no window and no pyplot state: accuracy where given, mean entropy, and mean mutual
        information beside one another. A value is the mean over the layers that have one at that moment, each of which
        counts the same, as in the metrics ``infomem/entropy_mean`` and ``infomem/mi_mean``; a moment without any leaves
        a gap. A dot marks the last value of every run, and a name beside the mutual information says which run it is;
        of more than 20 runs 20, evenly chosen, are named, and the title says so.

    Raises:
        ValueError: no run, one without a layer, runs whose moments are of different kinds, another number of names,
            levels or accuracies than of runs or moments, a level that is not finite, or an accuracy beyond 0 and 1.

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
    for axes, (heading, nats, values) in zip(row, panels, strict=True):
        ends = _draw(axes, courses, values, colors)
        axes.set_title(heading, fontsize=style.HEADING, parse_math=False)
        axes.set_ylabel(nats, fontsize=style.HEADING)
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
    """A line a run; returns where they end, None for a run without any value."""
    ends: list[tuple[float, float] | None] = []
    for run, line, color in zip(runs, values, colors, strict=True):
        dots = "." if len(line) <= _MOST_DOTS else ""
        axes.plot(
            run.moments,
            line,
            color=color,
            linewidth=style.LINE if len(runs) <= MOST_NAMED else style.HAIR,
            marker=dots,
            markersize=style.DOT,
        )
        known = np.flatnonzero(np.isfinite(line))
        if not len(known):
            ends.append(None)
            continue
        end = float(run.moments[known[-1]]), float(line[known[-1]])
        axes.plot(*end, "o", color=color, markersize=style.DOT, zorder=3)
        ends.append(end)
    style.frame(axes)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    return ends


def _over_layers(values: NDArray[Any]) -> NDArray[Any]:
    """Mean over the layers that are finite, NaN without any."""
    known = np.isfinite(values)
    count = known.sum(0)
    total = np.where(known, values, 0.0).sum(0)
    return np.asarray(np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0))


def _check(runs: Sequence[LayerCourses], names: Sequence[str]) -> str:
    """Returns what all moments are."""
    if len(runs) == 0:
        raise UsageValueError("runs: at least one is required, got none; measure first.")
    check_one_each(names, len(runs), name="names", of="runs")
    for run, name in zip(runs, names, strict=True):
        if run.unit != runs[0].unit:
            raise UsageValueError(
                f"runs: moments of one kind are required, got {runs[0].unit}s in {names[0]!r} and {run.unit}s in "
                f"{name!r}; draw them apart, or give reports whose epochs, or whose steps, are known and come once."
            )
    return runs[0].unit


def _check_accuracies(
    accuracies: Sequence[Sequence[float]] | None, runs: Sequence[LayerCourses], names: Sequence[str]
) -> None:
    check_one_each(accuracies, len(runs), name="accuracies", of="runs")
    for values, run, name in zip([] if accuracies is None else accuracies, runs, names, strict=False):
        check_one_each(values, len(run.moments), name=f"accuracies of {name!r}", of="moments")
        check_shares(values, name=f"accuracies of {name!r}")
