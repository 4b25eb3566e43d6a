"""Runs as their files tell them: event files, and what the monitor left in checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from lightning_infomem.checkpoints.reading import UnusableCheckpoint, read_checkpoint
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.report import InformationReport
from lightning_infomem.runs.checkpoint_course import read_courses
from lightning_infomem.runs.checkpoint_values import CheckpointValues
from lightning_infomem.runs.courses import LAYER_MEASURES, RUN_MEASURES, MonitorCourse, courses_of
from lightning_infomem.runs.event_files import EVENT_FILE, EventFiles
from lightning_infomem.runs.state_in_words import state_in_words

__all__ = ["RecordedRun", "recorded_runs"]


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """What one monitor left of one run.

    Attributes:
        place: the folder of its event files, or else of its checkpoints, or its one checkpoint.
        course: the values of its measurements.
        report: the newest one that a checkpoint carries; None without any.
        judgement: at its last measurement; None where the files do not hold it.
        kept: the moment to keep, while the run memorizes, where the files tell it.
        abstention: why it cannot be told whether the run memorizes; None where it can, or where files do not say.
        faults: what of its files could not be read.
    """

    place: Path
    course: MonitorCourse
    report: InformationReport | None = None
    judgement: Judgement | None = None
    kept: str | None = None
    abstention: str | None = None
    faults: tuple[str, ...] = ()

    @property
    def state(self) -> list[str]:
        """Whether it memorizes, in words; see `state_in_words`."""
        return state_in_words(self.course, kept=self.kept, abstention=self.abstention)

    @cached_property
    def marks(self) -> set[tuple[float, float]]:
        """Two values of each measurement, one the time it took, which are never the same twice.

        Files that share one are of one run, whatever their loggers call its steps.
        """
        seconds, information = self.course.get("seconds"), self.course.get("mi_mean")
        values = [(each, information.at(step)) for step, each in zip(seconds.steps, seconds.values, strict=True)]
        rounded = np.nan_to_num(values).astype(np.float32)  # as event files hold them
        return {(float(duration), float(mean)) for duration, mean in rounded}


def recorded_runs(places: Iterable[Path], checkpoints: Iterable[Path]) -> tuple[list[RecordedRun], dict[str, str]]:
    """Find the runs in some places.

    Args:
        places: folders that are searched for event files, with their subfolders; what is no folder is passed over.
        checkpoints: paths of files, and of Hugging Face's folders.

    Returns:
        The runs, in the order of their places, one for each monitor; and path -> why a file could not be read. What
        several files tell of one run is one record: the values of that with the most measurements, the newest report.
        Checkpoints that carry no course are one run where those in a folder are of different steps, else none.

    Cost:
        Of a checkpoint the weights are not read; of event files see `EventFiles`.
    """
    runs: list[RecordedRun] = []
    faults: dict[str, str] = {}
    for folder in _event_folders(places):
        for run in _read_events(folder, faults):
            _add(runs, run)
    without_course: dict[Path, list[Path]] = {}
    for path in checkpoints:
        try:
            courses = [
                RecordedRun(path, monitor, each.report, each.judgement, each.kept, each.abstention)
                for each in read_courses(path)
                for monitor in courses_of(each.values)
            ]
        except UnusableCheckpoint as fault:
            faults[str(path)] = str(fault)
            continue
        for run in courses:
            _add(runs, run)
        if not courses:
            without_course.setdefault(path.parent, []).append(path)
    for folder, paths in without_course.items():
        for run in _read_reports(folder, paths, faults):
            _add(runs, run)
    return sorted(runs, key=lambda run: str(run.place)), faults


def _event_folders(places: Iterable[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for place in places:
        for name, folders, files in os.walk(place):
            folders[:] = [folder for folder in folders if not folder.startswith(".")]
            if any(file.startswith(EVENT_FILE) for file in files):
                found[Path(name)] = None
    return list(found)


def _read_events(folder: Path, faults: dict[str, str]) -> Iterator[RecordedRun]:
    files = EventFiles(folder, LAYER_MEASURES + RUN_MEASURES)
    files.reload()
    courses = courses_of(files.values)
    told = tuple(f"{name}: {why}" for name, why in files.faults.items())
    if not courses:
        faults.update({str(folder / name): why for name, why in files.faults.items()})
    for course in courses:
        yield RecordedRun(folder, course, faults=told)


def _read_reports(folder: Path, paths: Sequence[Path], faults: dict[str, str]) -> Iterator[RecordedRun]:
    """The run that checkpoints in a folder make, if they do."""
    newest: InformationReport | None = None
    count = 0
    for path in paths:
        try:
            report = read_checkpoint(path).report
        except UnusableCheckpoint as fault:
            faults[str(path)] = str(fault)
            continue
        count += report is not None
        newest = _newer(newest, report)
    if count < 2:
        return
    files = CheckpointValues(folder)
    files.reload()
    for course in courses_of(files.values):
        steps = course.get("seconds").steps
        if len(steps) == len(set(steps)) == count:
            yield RecordedRun(folder, course, newest, kept=files.kept, abstention=files.abstention)


def _newer(one: InformationReport | None, other: InformationReport | None) -> InformationReport | None:
    return max((one, other), key=lambda report: -1 if report is None else report.step or 0)


def _add(runs: list[RecordedRun], new: RecordedRun) -> None:
    """Add a run to those known, or what is new of it to the one that it is."""
    for index, known in enumerate(runs):
        if known.marks & new.marks:
            runs[index] = _together(known, new)
            return
    runs.append(new)


def _together(known: RecordedRun, new: RecordedRun) -> RecordedRun:
    # As far, but with what is judged, is further.
    reach = [(len(run.marks), run.judgement is not None) for run in (known, new)]
    further = new if reach[1] > reach[0] else known
    # Event files come first, and their folder is what people call the run.
    place = known.place if known.place.is_dir() else known.place.parent
    return replace(further, place=place, report=_newer(known.report, new.report), faults=(*known.faults, *new.faults))
