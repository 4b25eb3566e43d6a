"""Judge the epochs of one run: whether it memorizes, since when, and which checkpoint to keep."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from torch import nn

from lightning_infomem._checks import check_choice
from lightning_infomem._errors import UsageValueError
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, find_checkpoints, places_of
from lightning_infomem.records.file_names import files_by_reason
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.metric_names import Metric, metric_name
from lightning_infomem.records.moment import Moment
from lightning_infomem.records.run_verdict import RunRow, RunVerdict
from lightning_infomem.records.tasks import GIVEN_TASKS, say_given, why_no_classes
from lightning_infomem.runs.alarm import PATIENCE, judge_next
from lightning_infomem.runs.recorded_runs import RecordedRun, recorded_runs, runs_of_checkpoint
from lightning_infomem.runs.run_file import RUN_FILE
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import compare_candidates
from lightning_infomem.selection.doubts import doubts_of_assumed_classes
from lightning_infomem.selection.order_one_run import order_one_run, place_in_run
from lightning_infomem.selection.read_candidates import offline_measurement, read_candidates

__all__ = ["judge_run"]

# The measurements of a run, oldest first; the judgement at the last of them; and where they were read.
_Course = tuple[list[RunRow], Judgement, str]


def judge_run(
    checkpoints: object,
    *,
    allow_mismatch: Sequence[str] = ("probe",),
    model: nn.Module | Callable[[dict[str, Any]], nn.Module] | None = None,
    data: Iterable[Any] | None = None,
    layers: str | type[nn.Module] | Sequence[str | type[nn.Module]] = "auto",
    forward: Callable[[nn.Module, Any], object] | None = None,
    trainer: Any = None,
    cache: str | Path | None = None,
    task: Literal["auto", "classification", "regression", "none"] = "auto",
    **settings: Any,
) -> RunVerdict:
    """Judge one run without labels: does it store single examples, and which epoch should be kept?

    The newest checkpoint carries everything that the monitor measured in the run, and the verdict rests on that. If it
    does not, the reports of the checkpoints are judged, and measurements between them are unknown. If there is no
    usable checkpoint, the run file ``infomem.jsonl`` is read.

    Do not use it to choose between runs; see `rank_checkpoints`. It does not detect shortcuts; see `judge`.

    Args:
        checkpoints: Folder of a run, a file, several of either, or a ModelCheckpoint; see `find_checkpoints`.
        allow_mismatch: Fields in which the reports may differ; see `check_fingerprints`. The default allows different
            inputs, because the verdict itself reports them.
        model: Network that measures checkpoints without a report, together with ``data``; see `rank_checkpoints`.
        data: Unlabelled batches for ``model``; see `rank_checkpoints`.
        layers: Layers of ``model`` to measure; see `rank_checkpoints`.
        forward: How to run ``model`` on a batch; see `rank_checkpoints`.
        trainer: Trainer that runs ``model``; see `rank_checkpoints`.
        cache: Folder for reports that had to be measured; see `rank_checkpoints`.
        task: What the network does; see `MeasurementSettings`. "auto" takes what the reports say. If that is
            "unknown", there is no verdict until you give "classification".
        **settings: Settings of the measurement; see `MeasurementSettings`.

    Returns:
        The verdict. Its ``best`` is the row of the checkpoint to keep. If too little is known, it abstains and gives
        the reason. If the moment to keep has no checkpoint, ``kept`` has no path.

    Raises:
        TypeError: An argument is unknown or has the wrong type.
        ValueError: There is neither a usable checkpoint nor a run file, there are several runs, or the reports were not
            measured alike.

    Cost:
        A few milliseconds per checkpoint that carries a report, mostly for reading the file.
    """
    check_choice(task, name="task", choices=GIVEN_TASKS)
    how = {"layers": layers, "task": task, "forward": forward, "trainer": trainer, "cache": cache}
    measurement = offline_measurement(judge_run, model, data, settings=settings, **how)
    places = places_of(checkpoints)
    try:
        candidates, skipped = read_candidates(find_checkpoints(places), measurement, task=task, at_least=1)
    except UsageValueError:
        course = _course_of_run_file(places, task)
        if course is None:
            raise
        return _verdict(course)
    ordered = order_one_run(candidates)
    notes = files_by_reason((str(each.path), note) for each in ordered for note in each.notes)
    notes += [] if measurement is None else measurement.notes
    course = None
    try:
        course = _course_of_monitor(ordered, task)
    except UnusableCheckpoint as fault:
        notes.append(f"'{ordered[-1].path}': {fault}")
    if course is None:
        comparison = compare_candidates(ordered, allow_mismatch=allow_mismatch)
        course = _course_of_reports(ordered, comparison.layers)
        flags = [*comparison.flags, *doubts_of_assumed_classes(ordered)]
        notes += [*comparison.notes, *(flag.message for flag in flags)]
    return _verdict(course, ordered, notes, skipped)


def _verdict(
    course: _Course,
    ordered: Sequence[Candidate] = (),
    notes: Sequence[str] = (),
    skipped: Mapping[str, str] | None = None,
) -> RunVerdict:
    rows, judgement, source = course
    kept = None if judgement.abstention is not None else rows[judgement.kept]
    earlier: list[Path] = []
    if kept is not None and kept.path is None:
        earlier = [each.path for each in ordered if place_in_run(each) < place_in_run(kept)]
    return RunVerdict(
        rows=tuple(rows),
        judgement=judgement,
        kept=kept,
        nearest_earlier=earlier[-1] if earlier else None,
        notes=(source, *notes, *_what_people_take(ordered)),
        skipped=skipped or {},
    )


def _course_of_monitor(ordered: Sequence[Candidate], task: str) -> _Course | None:
    """Return what the monitor saw, as the newest checkpoint carries it; None if it does not.

    Raises:
        UnusableCheckpoint: The course is damaged.
    """
    newest = ordered[-1].path
    for run in runs_of_checkpoint(newest):
        if run.judgement is not None:
            source = f"judged by the course that the monitor left in '{newest.name}': {len(run.moments)} measurements"
            if task in ("auto", run.moments[-1].task):
                return _rows(run, run.judgement.agreement, ordered), run.judgement, source
            moments = [replace(moment, task=task, task_reason=say_given(task)) for moment in run.moments]
            judgements = _judge_all(moments)
            rows = [
                replace(row, smoothness=moment.mean_smoothness, is_memorizing=judgement.is_memorizing)
                for row, moment, judgement in zip(
                    _rows(run, judgements[-1].agreement, ordered), moments, judgements, strict=True
                )
            ]
            return rows, judgements[-1], f"{source}, judged anew because {say_given(task)}"
    return None


def _course_of_run_file(places: Sequence[Path], task: str) -> _Course | None:
    """Return what the run file of one run holds; None if there is none.

    The file has no predictions, so the agreement with the consensus is unknown. The alarm is read from the file.

    Raises:
        ValueError: There are several runs.
    """
    runs, _ = recorded_runs([place.parent if place.name == RUN_FILE else place for place in places], [])
    if not runs:
        return None
    if len({run.last.run_id for run in runs}) > 1:
        found = ", ".join(dict.fromkeys(f"'{run.place}'" for run in runs))
        raise UsageValueError(
            f"checkpoints: one run is required, got no usable checkpoint, and several runs in the {RUN_FILE} of "
            f"{found}; give the folder of one run."
        )
    run = runs[0]
    rows = _rows(run)
    source = f"judged by '{run.place / RUN_FILE}': {len(run.course.history)} measurements"
    source += f" of '{run.course.prefix}'" if len(runs) > 1 else ""
    denied = why_no_classes(task, say_given(task))
    if denied is not None:
        rows = [replace(row, is_memorizing=False) for row in rows]
        return rows, Judgement(False, len(rows) - 1, abstention=denied), "; ".join([source, *run.faults])
    at_end = len(list(takewhile(lambda row: row.is_memorizing, reversed(rows))))
    kept = len(rows) - 1
    if at_end:
        steps = [row.step for row in rows]
        if run.last.kept_step not in steps:  # the run was resumed, and its beginning is in another folder
            steps.insert(0, run.last.kept_step)
            rows.insert(0, RunRow(None, run.last.kept_epoch, run.last.kept_step, math.nan, math.nan))
        kept = steps.index(run.last.kept_step)
    last = _logged(run, run.course.history[-1])
    judgement = Judgement(
        is_memorizing=at_end > 0,
        kept=kept,
        smoothness_drop=last[Metric.SMOOTHNESS_DROP],
        consensus_drop=last[Metric.CONSENSUS_DROP],
        consensus_drop_error=last[Metric.CONSENSUS_DROP_ERROR],
        streak=min(at_end + PATIENCE - 1, len(run.course.history)) if at_end else 0,
        agreement=(math.nan,) * len(rows),
        abstention=run.last.abstention,
    )
    if task != "auto" and judgement.abstention is not None:
        source += f", which cannot be judged anew although {say_given(task)}: a run file holds no predictions"
    if at_end == len(run.course.history):
        source += ", at the first of which the alarm was on: memorization may have begun before"
    return rows, judgement, "; ".join([source, *run.faults])


def _rows(run: RecordedRun, agreement: Sequence[float] = (), ordered: Sequence[Candidate] = ()) -> list[RunRow]:
    """Return a row for each measurement that a monitor left, with its checkpoint if there is one."""
    by_step = {each.step: each for each in ordered}
    agreement = (*(math.nan,) * (len(run.course.history) - len(agreement)), *agreement)
    rows = []
    for measured, agreed in zip(run.course.history, agreement, strict=True):
        logged = _logged(run, measured)
        candidate = by_step.get(int(measured["step"]))
        rows.append(
            RunRow(
                path=None if candidate is None else candidate.path,
                epoch=int(measured["epoch"]) if math.isfinite(measured["epoch"]) else None,
                step=int(measured["step"]),
                mutual_information=logged[Metric.MI_MEAN],
                entropy=logged[Metric.ENTROPY_MEAN],
                smoothness=logged[Metric.SMOOTHNESS],
                agreement=agreed,
                is_memorizing=logged[Metric.MEMORIZING] == 1,
                metrics={} if candidate is None else candidate.metrics,
            )
        )
    return rows


def _logged(run: RecordedRun, measured: Mapping[str, float]) -> dict[Metric, float]:
    return {metric: measured.get(metric_name(run.course.prefix, metric), math.nan) for metric in Metric}


def _course_of_reports(ordered: Sequence[Candidate], layers: Sequence[str]) -> _Course:
    """Judge the reports of the checkpoints; fewer of them see less of the run."""
    judgements = _judge_all([each.moment for each in ordered])
    agreement = judgements[-1].agreement or (math.nan,) * len(ordered)
    rows = [
        RunRow(
            path=each.path,
            epoch=each.epoch,
            step=each.step,
            mutual_information=fmean(each.values("mutual_information", layers)),
            entropy=fmean(each.values("entropy", layers)),
            smoothness=each.moment.mean_smoothness,
            agreement=agreed,
            is_memorizing=judgement.is_memorizing,
            metrics=each.metrics,
        )
        for each, judgement, agreed in zip(ordered, judgements, agreement, strict=True)
    ]
    source = f"judged by the reports of {len(rows)} checkpoints; what was measured between them is not known"
    return rows, judgements[-1], source


def _judge_all(moments: Sequence[Moment]) -> list[Judgement]:
    """Return the judgement at each moment of a run."""
    judgements: list[Judgement] = []
    for end in range(1, len(moments) + 1):
        judgements.append(judge_next(moments[:end], judgements[-1] if judgements else None))
    return judgements


def _what_people_take(ordered: Sequence[Candidate]) -> list[str]:
    """Name the last epoch, and the best one by each metric of validation that is known."""
    notes = [f"last epoch: '{ordered[-1].path.name}'"] if ordered else []
    for criterion, choose in (("validation_loss", min), ("validation_accuracy", max)):
        known = [each for each in ordered if criterion in each.scores]
        if known:
            best = choose(known, key=lambda each: each.scores[criterion])
            notes.append(f"best {criterion.replace('_', ' ')}: '{best.path.name}' ({best.scores[criterion]:.4g})")
    return notes
