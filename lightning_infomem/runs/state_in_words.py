"""Whether a run memorizes, in words, from what it has logged."""

from __future__ import annotations

import math

from lightning_infomem.records.metric_names import Metric
from lightning_infomem.runs.alarm import MIN_MOMENTS
from lightning_infomem.runs.courses import Course, MonitorCourse

__all__ = ["state_in_words"]


def state_in_words(monitor: MonitorCourse, *, kept: str | None = None, abstention: str | None = None) -> list[str]:
    """Tell it in one line or two, of at most 60 characters where ``abstention`` is not given.

    Args:
        monitor: what was logged.
        kept: the moment to keep, where that is known.
        abstention: why nothing can be told; None where something can.
    """
    memorizing, measured = monitor.get(Metric.MEMORIZING), len(monitor.steps)
    if abstention is not None and measured < MIN_MOMENTS:
        return [f"too early to tell: {measured} of {MIN_MOMENTS} measurements"]
    if abstention is not None:
        return [f"cannot tell: {abstention}"]
    if not memorizing.values:
        return ["cannot tell: this run was not judged"]
    drops = "smoothness down {:.2f}, {:.0%} of inputs left the consensus".format(
        *(_positive(monitor.get(name).last) for name in (Metric.SMOOTHNESS_DROP, Metric.CONSENSUS_DROP))
    )
    if memorizing.last != 1:
        return ["no sign of stored examples", drops]
    since = _since(memorizing)
    epoch = monitor.epoch(since)
    began = f"step {since}" if epoch is None else f"epoch {epoch}"
    advice = f"keep {kept}" if kept else "infomem run says what to keep"
    return [f"MEMORIZING since {began}; {advice}", drops]


def _since(memorizing: Course) -> int:
    """The first step of those in a row at the end."""
    since = memorizing.steps[-1]
    for step, value in zip(reversed(memorizing.steps), reversed(memorizing.values), strict=True):
        if value != 1:
            break
        since = step
    return since


def _positive(drop: float) -> float:
    return max(drop, 0.0) if math.isfinite(drop) else 0.0
