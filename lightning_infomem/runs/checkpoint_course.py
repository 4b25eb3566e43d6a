"""The whole course of a run, out of the one checkpoint that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lightning_infomem.checkpoints.reading import UnusableCheckpoint, load_checkpoint
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.report import COURSE_KEY, HISTORY_KEY, REPORT_KEY, InformationReport
from lightning_infomem.runs.alarm import read_judged
from lightning_infomem.runs.courses import RunValues
from lightning_infomem.runs.history import history_from_state

__all__ = ["CheckpointCourse", "read_courses"]


class CheckpointCourse(NamedTuple):
    """What one `MemorizationMonitor` left in a checkpoint.

    Attributes:
        values: of all measurements until then, under the names of a logger.
        judgement: at the last of them; None where the checkpoint does not hold it.
        kept: the moment to keep, while the run memorizes.
        report: of the last of them; None of a monitor whose report is not there.
    """

    values: RunValues
    judgement: Judgement | None
    kept: str | None
    report: InformationReport | None

    @property
    def abstention(self) -> str | None:
        """Why it cannot be told whether the run memorizes; None where it can, or where that is not known."""
        return None if self.judgement is None else self.judgement.abstention


def read_courses(path: Path) -> list[CheckpointCourse]:
    """Read what the monitors of a run left in one of its checkpoints; none where that carries reports alone.

    Args:
        path: of a checkpoint of Lightning.

    Raises:
        UnusableCheckpoint: the file, or a course in it, cannot be read; the message does not repeat the path.
    """
    callbacks = {} if path.is_dir() else load_checkpoint(path).get("callbacks")
    states = callbacks.values() if isinstance(callbacks, Mapping) else ()
    try:
        return [_read(state) for state in states if isinstance(state, Mapping) and state.get(HISTORY_KEY)]
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise UnusableCheckpoint(f"the course of its run cannot be read ({fault}); save it again") from fault


def _read(state: Mapping[str, Any]) -> CheckpointCourse:
    values: RunValues = {}
    for measured in history_from_state(state[HISTORY_KEY]):
        step = int(measured["step"])
        for name, value in measured.items():
            if name != "step":
                values.setdefault(str(name), []).append((step, float(value)))
    moments, judgement = read_judged(state.get(COURSE_KEY) or {})
    kept = moments[judgement.kept].name if judgement is not None and judgement.is_memorizing else None
    report = None if state.get(REPORT_KEY) is None else InformationReport.from_state(state[REPORT_KEY])
    return CheckpointCourse(values, judgement, kept, report)
