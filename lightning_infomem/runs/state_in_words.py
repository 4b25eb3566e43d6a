"""Whether a run memorizes, in words."""

from __future__ import annotations

import math

from lightning_infomem.records.metric_names import Metric
from lightning_infomem.runs.alarm import MIN_MOMENTS, say_too_few
from lightning_infomem.runs.course import Course
from lightning_infomem.runs.run_file import Measurement

__all__ = ["state_in_words"]


def state_in_words(course: Course, last: Measurement) -> list[str]:
    """Describe the state of a run in one or two lines, of at most 60 characters unless it abstains.

    Args:
        course: Logged values of the run.
        last: Last measurement of the run.
    """
    if last.abstention is not None:
        measured = len(course.history)
        if last.abstention == say_too_few(measured):
            return [f"too early to tell: {measured} of {MIN_MOMENTS} measurements"]
        return [f"cannot tell: {last.abstention}"]
    smoothness, consensus = (course.last(measure) for measure in (Metric.SMOOTHNESS_DROP, Metric.CONSENSUS_DROP))
    drops = f"smoothness down {_positive(smoothness):.2f}, {_positive(consensus):.0%} of inputs left the consensus"
    if not last.is_memorizing:
        return ["no sign of stored examples", drops]
    since = last.epoch
    for epoch, alarm in zip(reversed(course.epochs), reversed(course.values(Metric.MEMORIZING)), strict=True):
        if alarm != 1:
            break
        since = epoch
    return [f"MEMORIZING since epoch {int(since)}; keep {last.kept or 'what infomem run says'}", drops]


def _positive(drop: float) -> float:
    return max(drop, 0.0) if math.isfinite(drop) else 0.0
