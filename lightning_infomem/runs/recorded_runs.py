"""Runs as their files tell them: run files, and what the monitors left in checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from lightning_infomem.checkpoints.huggingface_folder import REPORT_FILE
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, load_checkpoint
from lightning_infomem.checkpoints.weight_files import load_weight_file
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.report import COURSE_KEY, REPORT_KEY, InformationReport
from lightning_infomem.runs.course import RunCourse
from lightning_infomem.runs.courses import MonitorCourse
from lightning_infomem.runs.run_file import RUN_FILE, Measurement, find_run_files, read_run_file
from lightning_infomem.runs.state_in_words import state_in_words

__all__ = ["RecordedRun", "recorded_runs", "runs_of_checkpoint", "runs_of_file"]

_Key = tuple[str, str]  # run_id and prefix


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """What one monitor left of one run.

    Attributes:
        place: The folder of its run file, or else its newest checkpoint.
        run_id: Random hexadecimal digits, which the run kept when it was resumed.
        course: The values of its measurements.
        time: Seconds since 1970 at the last of them.
        report: The newest one that a checkpoint carries; None without any.
        judgement: At its last measurement; None where no checkpoint was saved after that.
        kept_epoch: Epoch of the moment to keep, while the run memorizes; None before, and where it is not known.
        kept_step: Global step of that moment; None as for ``kept_epoch``.
        abstention: Why it cannot be told whether the run memorizes; None where it can.
        faults: What of its files could not be read.
        history: Logged name -> value at every measurement, with ``epoch`` and ``step``.
    """

    place: Path
    run_id: str
    course: MonitorCourse
    time: float
    report: InformationReport | None = None
    judgement: Judgement | None = None
    kept_epoch: int | None = None
    kept_step: int | None = None
    abstention: str | None = None
    faults: tuple[str, ...] = ()
    history: Sequence[Mapping[str, float]] = field(default=(), repr=False)

    @property
    def kept(self) -> str | None:
        """The moment to keep, for people; None where the run does not memorize."""
        if self.kept_epoch is not None:
            return f"epoch {self.kept_epoch}"
        return None if self.kept_step is None else f"step {self.kept_step}"

    @property
    def state(self) -> list[str]:
        """Whether it memorizes, in words; see `state_in_words`."""
        return state_in_words(self.course, kept=self.kept, abstention=self.abstention)


def recorded_runs(places: Iterable[Path], checkpoints: Iterable[Path]) -> tuple[list[RecordedRun], dict[str, str]]:
    """Find the runs in some places.

    What several files tell of one run is one record. Of files that tell its end differently, as after it was resumed
    from an earlier checkpoint, the one whose last measurement is newest is right.

    Args:
        places: Folders that are searched for run files, with their subfolders; what is no folder is passed over.
        checkpoints: Paths of files, and of Hugging Face's folders.

    Returns:
        The runs, in the order of their places, one for each monitor; and path -> why a file could not be read.
        Checkpoints that carry a report alone are no run.

    Cost:
        The weights in a checkpoint are not read; for run files see `read_run_file`.
    """
    faults: dict[str, str] = {}
    saved: dict[_Key, RecordedRun] = {}
    lines: dict[_Key, list[_Lines]] = {}
    for path in checkpoints:
        try:
            for run in runs_of_checkpoint(path):
                known = saved.get(key := (run.run_id, run.course.prefix))
                saved[key] = run if known is None or run.time >= known.time else known
        except UnusableCheckpoint as fault:
            faults[str(path)] = str(fault)
    for path in find_run_files(places):
        found, why = _lines_by_run(path)
        if why is not None and not found:
            faults[str(path)] = why
        for key, each in found.items():
            lines.setdefault(key, []).append(each)
    runs = [_together(saved.get(key), lines.get(key, [])) for key in {**lines, **saved}]
    runs.sort(key=lambda run: (str(run.place), run.course.prefix, run.time))
    return [run for run in runs if run.course.layers], faults


def runs_of_file(path: Path) -> tuple[list[RecordedRun], str | None]:
    """The runs in one run file, the one that was measured last at the end; and why lines of it could not be read."""
    found, fault = _lines_by_run(path)
    runs = [_together(None, [each]) for each in found.values()]
    return sorted((run for run in runs if run.course.layers), key=lambda run: run.time), fault


def runs_of_checkpoint(path: Path) -> list[RecordedRun]:
    """What the monitors of a run left in one of its checkpoints; nothing where that carries reports alone.

    Args:
        path: Of a checkpoint of Lightning, or of a folder of Hugging Face.

    Raises:
        UnusableCheckpoint: The file, or a course in it, cannot be read; the message does not repeat the path.
    """
    try:
        states = [state for state in _states(path) if isinstance(state, Mapping) and state.get(COURSE_KEY)]
        runs = [
            _of_checkpoint(path, RunCourse.from_state(state[COURSE_KEY]), state.get(REPORT_KEY)) for state in states
        ]
        return [run for run in runs if run.course.layers]
    except UnusableCheckpoint:
        raise
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as fault:
        raise UnusableCheckpoint(f"the course of its run cannot be read ({fault}); save it again") from fault


@dataclass(frozen=True)
class _Lines:
    """What one run file tells of one run."""

    folder: Path
    measured: list[Measurement]
    fault: str | None


def _lines_by_run(path: Path) -> tuple[dict[_Key, _Lines], str | None]:
    measured, fault = read_run_file(path)
    told = None if fault is None else f"{RUN_FILE}: {fault}"
    found: dict[_Key, _Lines] = {}
    for line in measured:
        found.setdefault((line.run_id, line.prefix), _Lines(path.parent, [], told)).measured.append(line)
    return found, fault


def _states(path: Path) -> list[Any]:
    """Of the callbacks in a checkpoint."""
    if path.is_dir():
        return [load_weight_file(path / REPORT_FILE)] if (path / REPORT_FILE).is_file() else []
    callbacks = load_checkpoint(path).get("callbacks")
    return list(callbacks.values()) if isinstance(callbacks, Mapping) else []


def _of_checkpoint(path: Path, course: RunCourse, report: Any) -> RecordedRun:
    judgement = course.judgement
    kept = course.moments[judgement.kept] if judgement is not None and judgement.is_memorizing else None
    return RecordedRun(
        path,
        course.run_id,
        MonitorCourse.of(course.prefix, course.history),
        course.time,
        None if report is None else InformationReport.from_state(report),
        judgement,
        kept_epoch=None if kept is None else kept.epoch,
        kept_step=None if kept is None else kept.step,
        abstention=None if judgement is None else judgement.abstention,
        history=course.history,
    )


def _together(newest: RecordedRun | None, files: Sequence[_Lines]) -> RecordedRun:
    """One record of what the newest checkpoint and the run files tell of one run; one of them there is."""
    if newest is not None and not files:
        return newest
    files = sorted(files, key=lambda each: each.measured[0].time)
    faults = tuple(dict.fromkeys(each.fault for each in files if each.fault is not None))
    measured = _later_win(chain.from_iterable(each.measured for each in files))
    last = measured[-1]
    if newest is not None and newest.time >= last.time:  # it holds the whole course, and tells more
        return replace(newest, place=files[-1].folder, faults=faults)
    # A run that was resumed in another folder has its beginning elsewhere.
    history = [] if newest is None else list(newest.history[: measured[0].number])
    history += [{**each.values, "epoch": each.epoch, "step": float(each.step)} for each in measured]
    return RecordedRun(
        files[-1].folder,
        last.run_id,
        MonitorCourse.of(last.prefix, history),
        last.time,
        None if newest is None else newest.report,
        kept_epoch=last.kept_epoch if last.is_memorizing else None,
        kept_step=last.kept_step if last.is_memorizing else None,
        abstention=last.abstention,
        faults=faults,
        history=history,
    )


def _later_win(lines: Iterable[Measurement]) -> list[Measurement]:
    """Without what a run had measured before it was resumed from an earlier checkpoint, and measured anew."""
    kept: list[Measurement] = []
    for line in lines:
        # Two measurements at one step, one of them after it and one in the validation there, are both of the run.
        while kept and (kept[-1].number >= line.number or kept[-1].step > line.step):
            kept.pop()
        kept.append(line)
    return kept
