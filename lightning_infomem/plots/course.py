"""Epochs of one run as a figure: the course of both measures, which is no ranking."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lightning_infomem.plots.ranked import RankedRow
from lightning_infomem.plots.run import plot_run
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.runs.alarm import PATIENCE

__all__ = ["is_course", "plot_course", "plot_judged_run"]

# Blue and vermillion of Okabe and Ito, as in `plot_zoo`.
_INFORMATION, _ENTROPY = "#0072B2", "#D55E00"


def is_course(rows: Sequence[RankedRow]) -> bool:
    """Whether these can be epochs of one run: at least two, in one folder, and no epoch twice or unknown."""
    epochs = {row.epoch for row in rows}
    return len({row.path.parent for row in rows}) == 1 and None not in epochs and 1 < len(epochs) == len(rows)


def plot_judged_run(
    rows: Sequence[RankedRow],
    judgement: Judgement,
    *,
    metric: Mapping[int, float] | None = None,
    metric_name: str = "metric",
) -> Figure:
    """Draw the checkpoints of one run as the monitor draws its own run, see `plot_run`.

    Args:
        rows: each an epoch, the moments of the judgement.
        judgement: of the last of them.
        metric: epoch -> any value of the user's, such as an accuracy on labels, in a panel of its own.
        metric_name: heads that panel.
    """
    ordered = sorted(rows, key=lambda row: row.epoch or 0)
    begun = len(ordered) - max(0, judgement.streak - PATIENCE + 1)
    return plot_run(
        [float(row.epoch or 0) for row in ordered],
        [row.mutual_information for row in ordered],
        [row.scores.get("class_smoothness", math.nan) for row in ordered],
        judgement,
        memorizing=[index >= begun for index in range(len(ordered))],
        metric=None if metric is None else [metric.get(row.epoch or 0, math.nan) for row in ordered],
        metric_name=metric_name,
    )


def plot_course(rows: Sequence[RankedRow]) -> Figure:
    """Draw mean mutual information, with its 90 % interval, and mean entropy against the epoch.

    For a run of which nothing more can be told, see `plot_judged_run`. Not for choosing an epoch: along a run neither
    the lowest nor the highest value marks the best one.

    Args:
        rows: checkpoints of one run, in any order, each with an epoch.

    Returns:
        A figure that belongs to no window and no pyplot state: mutual information to the left, entropy to the right.

    Raises:
        ValueError: no row, or one without an epoch.
    """
    unknown = [str(row.path) for row in rows if row.epoch is None]
    if unknown or not rows:
        got = f"none in '{unknown[0]}'" if unknown else "no checkpoint"
        raise ValueError(f"rows: checkpoints with an epoch are required, got {got}; leave out those without.")
    ordered = sorted(rows, key=lambda row: row.epoch or 0)
    epochs = [row.epoch for row in ordered]
    size = min(5.0, max(1.5, 150 / len(ordered)))  # markers of many epochs would hide the interval
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    interval = np.array([row.interval for row in ordered], dtype=float)
    left.fill_between(epochs, interval[:, 0], interval[:, 1], color=_INFORMATION, alpha=0.2, linewidth=0)
    left.plot(epochs, [row.mutual_information for row in ordered], "o-", color=_INFORMATION, markersize=size)
    left.set_title("mean mutual information, 90 % interval", fontsize=11, loc="left")
    right.plot(epochs, [row.entropy for row in ordered], "s--", color=_ENTROPY, markersize=size)
    right.set_title("mean entropy", fontsize=11, loc="left")
    for axes in (left, right):
        axes.set_xlabel("epoch", fontsize=11)
        axes.set_ylabel("nats", fontsize=11)
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.tick_params(labelsize=10)
        axes.grid(color="0.92")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure
