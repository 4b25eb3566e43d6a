"""Figure of the verdict on one run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from lightning_infomem.plots.run import plot_run
from lightning_infomem.records.run_verdict import RunVerdict

__all__ = ["plot_run_verdict"]


def plot_run_verdict(
    verdict: RunVerdict, *, metric: Mapping[Any, float] | None = None, metric_name: str = "metric"
) -> Figure:
    """Draw the measurements behind a verdict, as the monitor draws its run.

    Args:
        verdict: Result of `judge_run`.
        metric: Mapping from epochs to any other metric, such as an accuracy on labels, drawn in a separate panel.
        metric_name: Heading of that panel.

    Returns:
        A figure without a window or pyplot state; see `plot_run`. Without a verdict, it shows the measurements and the
        reason.
    """
    rows = verdict.rows
    epochs = [math.nan if row.epoch is None else row.epoch for row in rows]
    steps = [math.nan if row.step is None else row.step for row in rows]
    return plot_run(
        epochs,
        [row.mutual_information for row in rows],
        [row.smoothness for row in rows],
        verdict.judgement,
        memorizing=[row.is_memorizing for row in rows],
        steps=steps if all(map(math.isfinite, steps)) else range(len(rows)),
        metric=None if metric is None else [metric.get(epoch, math.nan) for epoch in epochs],
        metric_name=metric_name,
    )
