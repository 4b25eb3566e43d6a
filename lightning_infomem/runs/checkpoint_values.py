"""The same values that a run logs, out of the reports in its checkpoints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from lightning_infomem.checkpoints.reading import UnusableCheckpoint, find_checkpoints, read_checkpoint
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.metric_names import DEFAULT_PREFIX, metric_name
from lightning_infomem.records.moment import Moment
from lightning_infomem.runs.alarm import judge_next
from lightning_infomem.runs.courses import RunValues
from lightning_infomem.runs.scalars import mutual_information_drop, scalars

__all__ = ["CheckpointValues"]


class CheckpointValues:
    """The checkpoints of one run, each read once.

    Args:
        folder: with the checkpoints.

    Attributes:
        values: of all checkpoints that carry a report, in the order of training, under the names of a logger.
        last_time: seconds since 1970, when the newest checkpoint was written; NaN without any.
        faults: name of a checkpoint -> why it cannot be read.
        kept: the moment to keep, while the run memorizes; None before.
        abstention: why it cannot be told whether the run memorizes; None where it can.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.values: RunValues = {}
        self.last_time = math.nan
        self.faults: dict[str, str] = {}
        self.kept: str | None = None
        self.abstention: str | None = None
        self._known: dict[tuple[Path, int, int], _Measured | str | None] = {}

    @property
    def source(self) -> str:
        """What was read, for people."""
        return f"the checkpoints in '{self.folder}'"

    def reload(self) -> None:
        """Read the checkpoints that are new or were written anew. Raises nothing: see ``faults``."""
        try:
            paths = find_checkpoints(self.folder)
            found = {(path, (stat := path.stat()).st_mtime_ns, stat.st_size): path for path in paths}
        except (OSError, ValueError) as fault:  # also where ModelCheckpoint removes one just now
            self.faults = {str(self.folder): str(fault)}
            return
        # Of those that were removed the values are forgotten, too: all that is shown can be looked up.
        self._known = {key: self._known[key] if key in self._known else _read(path) for key, path in found.items()}
        self.faults = {key[0].name: why for key, why in self._known.items() if isinstance(why, str)}
        self.last_time = max((key[1] for key in self._known), default=math.nan) / 1e9
        # Copies, as last.ckpt can be, are of the same place.
        measured = {each.place: each for each in self._known.values() if isinstance(each, _Measured)}
        self._tell([measured[place] for place in sorted(measured)])

    def _tell(self, course: list[_Measured]) -> None:
        self.values, self.kept, self.abstention = {}, None, None
        judgement: Judgement | None = None
        moments: list[Moment] = []
        for index, each in enumerate(course):
            moments.append(each.moment)
            judgement = judge_next(moments, judgement)
            told = each.values | mutual_information_drop([one.values for one in course[: index + 1]], each.layers)
            told |= {
                "epoch": float(each.place[0]),
                metric_name(DEFAULT_PREFIX, "memorizing"): float(judgement.is_memorizing),
                metric_name(DEFAULT_PREFIX, "smoothness_drop"): judgement.smoothness_drop,
                metric_name(DEFAULT_PREFIX, "consensus_drop"): judgement.consensus_drop,
            }
            for name, value in told.items():
                self.values.setdefault(name, []).append((each.place[1], value))
        if judgement is not None:
            self.abstention = judgement.abstention
            self.kept = moments[judgement.kept].name if judgement.is_memorizing else None


class _Measured(NamedTuple):
    """What is kept of one checkpoint; its report, which can be large, is let go."""

    place: tuple[int, int]  # epoch and step, -1 where they are not known
    values: dict[str, float]
    layers: list[str]
    moment: Moment


def _read(path: Path) -> _Measured | str | None:
    """None of a checkpoint without a report, and why of one that cannot be read."""
    try:
        report = read_checkpoint(path).report
    except (OSError, UnusableCheckpoint) as fault:
        return str(fault)
    if report is None:
        return None
    place = (-1 if report.epoch is None else report.epoch, -1 if report.step is None else report.step)
    return _Measured(place, scalars(report), [layer.name for layer in report.layers], Moment.of(report))
