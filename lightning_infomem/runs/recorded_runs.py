"""Runs as their files record them: run files, and what the monitors left in checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from lightning_infomem.checkpoints.huggingface_folder import report_files
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, load_checkpoint
from lightning_infomem.checkpoints.weight_files import load_weight_file
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.moment import Moment
from lightning_infomem.records.report import COURSE_KEY, REPORT_KEY, InformationReport
from lightning_infomem.runs.course import Course
from lightning_infomem.runs.run_course import RunCourse
from lightning_infomem.runs.run_file import RUN_FILE, Measurement, find_run_files, read_run_file
from lightning_infomem.runs.state_in_words import state_in_words

__all__ = ["RecordedRun", "recorded_runs", "runs_of_checkpoint", "runs_of_file"]

_Key = tuple[str, str]  # run_id and prefix


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """What one monitor recorded of one run.

    Attributes:
        place: Folder of its run file, or else its newest checkpoint.
        course: Logged values of all measurements.
        last: Last measurement, with the moment to keep.
        report: Newest report that a checkpoint carries; None without any.
        judgement: Judgement at the last measurement; None if no checkpoint was saved after it.
        moments: What the run is judged by at each measurement; empty if no checkpoint was saved after the last one.
        faults: What in its run files could not be read.
    """

    place: Path
    course: Course
    last: Measurement
    report: InformationReport | None = None
    judgement: Judgement | None = None
    moments: tuple[Moment, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """The ``run_id`` of the run and the prefix of the monitor, which together identify the record."""
        return self.last.run_id, self.last.prefix

    @property
    def state(self) -> list[str]:
        """Whether the run memorizes, in words; see `state_in_words`."""
        return state_in_words(self.course, self.last)


def recorded_runs(places: Iterable[Path], checkpoints: Iterable[Path]) -> tuple[list[RecordedRun], dict[str, str]]:
    """Find the recorded runs in folders and checkpoints.

    Files of the same run are merged into one record. If they disagree about its end, as after a resume from an earlier
    checkpoint, the file with the newest last measurement wins.

    Args:
        places: Folders to search for run files, with their subfolders; anything else is ignored.
        checkpoints: Paths of files, and of Hugging Face's folders.

    Returns:
        The runs, ordered by place, one for each monitor; and path -> why a file could not be read. Checkpoints that
        carry only a report belong to no run.

    Cost:
        The weights in a checkpoint are not read; for run files see `read_run_file`.
    """
    faults: dict[str, str] = {}
    saved: dict[_Key, RecordedRun] = {}
    lines: dict[_Key, list[_Lines]] = {}
    for path in checkpoints:
        try:
            for run in runs_of_checkpoint(path):
                saved[run.key] = max(run, saved.get(run.key, run), key=lambda each: each.last.time)
        except UnusableCheckpoint as fault:
            faults[str(path)] = str(fault)
    for path in find_run_files(places):
        found, why = _lines_by_run(path)
        if why is not None and not found:
            faults[str(path)] = why
        for key, each in found.items():
            lines.setdefault(key, []).append(each)
    runs = [_merge(lines[key], saved.get(key)) for key in lines]
    runs += [run for key, run in saved.items() if key not in lines]
    runs.sort(key=lambda run: (str(run.place), run.course.prefix, run.last.time))
    return [run for run in runs if run.course.layers], faults


def runs_of_file(path: Path) -> tuple[list[RecordedRun], str | None]:
    """Return the runs in a run file, the most recently measured last; and why lines of it could not be read."""
    found, fault = _lines_by_run(path)
    runs = [_merge([each]) for each in found.values()]
    return sorted((run for run in runs if run.course.layers), key=lambda run: run.last.time), fault


def runs_of_checkpoint(path: Path) -> list[RecordedRun]:
    """Return what the monitors of a run left in a checkpoint; empty if it carries only reports.

    Args:
        path: Path of a Lightning checkpoint or of a Hugging Face folder.

    Raises:
        UnusableCheckpoint: The file, or a course in it, cannot be read; the message does not repeat the path.
    """
    try:
        runs = []
        for state in _callback_states(path):
            if not isinstance(state, Mapping) or not state.get(COURSE_KEY):
                continue
            course, report = RunCourse.from_state(state[COURSE_KEY]), state.get(REPORT_KEY)
            if course.history:
                report = None if report is None else InformationReport.from_state(report)
                # The rules for a line of a run file hold here too: its texts go to terminals.
                last = Measurement.from_line(course.last_measurement().to_line())
                runs.append(RecordedRun(path, course, last, report, course.judgement, tuple(course.moments)))
        return [run for run in runs if run.course.layers]
    except UnusableCheckpoint:
        raise
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as fault:
        raise UnusableCheckpoint(f"the course of its run cannot be read ({fault}); save it again") from fault


@dataclass(frozen=True)
class _Lines:
    """The lines of one run in one run file."""

    folder: Path
    measured: list[Measurement]
    fault: str | None


def _lines_by_run(path: Path) -> tuple[dict[_Key, _Lines], str | None]:
    measured, fault = read_run_file(path)
    found: dict[_Key, _Lines] = {}
    for line in measured:
        found.setdefault((line.run_id, line.prefix), _Lines(path.parent, [], fault)).measured.append(line)
    return found, fault


def _callback_states(path: Path) -> list[Any]:
    if path.is_dir():
        return [load_weight_file(file) for file in report_files(path)]
    callbacks = load_checkpoint(path).get("callbacks")
    return list(callbacks.values()) if isinstance(callbacks, Mapping) else []


def _merge(files: Sequence[_Lines], saved: RecordedRun | None = None) -> RecordedRun:
    """Merge the lines of a run with the record in its newest checkpoint."""
    files = sorted(files, key=lambda each: each.measured[0].time)
    folder = files[-1].folder
    faults = tuple(dict.fromkeys(f"{RUN_FILE}: {each.fault}" for each in files if each.fault is not None))
    measured = _without_repeated(chain.from_iterable(each.measured for each in files))
    last = measured[-1]
    if saved is not None and saved.last.time >= last.time:  # the checkpoint holds the whole course, and more
        return replace(saved, place=folder, faults=faults)
    # If the run was resumed in another folder, only the checkpoint holds its beginning.
    history = [] if saved is None else saved.course.history[: measured[0].number]
    history += [{**each.values, "epoch": each.epoch, "step": float(each.step)} for each in measured]
    report = None if saved is None else saved.report
    return RecordedRun(folder, Course(last.prefix, history), last, report, faults=faults)


def _without_repeated(lines: Iterable[Measurement]) -> list[Measurement]:
    """Drop the measurements that a run repeated after it was resumed from an earlier checkpoint."""
    kept: list[Measurement] = []
    for line in lines:
        # Two measurements at one step are both kept: one between validations and one in the validation there.
        while kept and (kept[-1].number >= line.number or kept[-1].step > line.step):
            kept.pop()
        kept.append(line)
    return kept
