"""Judge the epochs of one run: whether it memorizes, since when, and which checkpoint to keep."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from torch import nn

from lightning_infomem.checkpoints.reading import UnusableCheckpoint, find_checkpoints
from lightning_infomem.records.file_names import files_by_reason
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.metric_names import Metric, metric_name
from lightning_infomem.records.run_verdict import RunRow, RunVerdict
from lightning_infomem.runs.alarm import judge_next
from lightning_infomem.runs.recorded_runs import runs_of_checkpoint
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import compare_candidates
from lightning_infomem.selection.read_candidates import offline_measurement, read_candidates
from lightning_infomem.selection.same_run import order_one_run, place_in_run
from lightning_infomem.settings import check_setting_names

__all__ = ["judge_run"]


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
    **settings: Any,
) -> RunVerdict:
    """Judge one run by its checkpoints, without labels: does it store single examples, and which epoch to keep?

    The newest checkpoint carries the whole course that the monitor saw, which is judged where it is there. Otherwise
    the reports of the checkpoints are judged, and what happened between them is not seen.

    Do not use it to choose between runs; see `rank_checkpoints`. Shortcuts are not found, see `judge`.

    Args:
        checkpoints: Folder of a run, a file, several of either, or a ModelCheckpoint; see `find_checkpoints`.
        allow_mismatch: Fields in which the reports may differ; see `check_fingerprints`. Inputs may differ by default,
            because the verdict itself says so.
        model: See `rank_checkpoints`; with ``data``, checkpoints without a report are measured.
        data: See `rank_checkpoints`.
        layers: See `rank_checkpoints`.
        forward: See `rank_checkpoints`.
        trainer: See `rank_checkpoints`.
        cache: See `rank_checkpoints`.
        **settings: Settings of the measurement; see `MeasurementSettings`.

    Returns:
        The verdict; ``best`` is the row of the checkpoint to keep. Where too little is known it abstains and says why.

    Raises:
        TypeError: An unknown argument, or one of the wrong type.
        ValueError: No usable checkpoint, checkpoints of several runs, or reports that were not measured alike.

    Cost:
        A few milliseconds per checkpoint that carries a report, mostly for reading the file.
    """
    check_setting_names(settings, judge_run)
    measurement = offline_measurement(
        model, data, layers=layers, settings=settings, forward=forward, trainer=trainer, cache=cache
    )
    candidates, skipped = read_candidates(find_checkpoints(checkpoints), measurement, at_least=1)
    ordered = order_one_run(candidates)
    notes = files_by_reason((str(each.path), note) for each in ordered for note in each.notes)
    notes += [] if measurement is None else measurement.notes
    course = None
    try:
        course = _course_of_monitor(ordered)
    except UnusableCheckpoint as fault:
        notes.append(f"'{ordered[-1].path}': {fault}")
    if course is None:
        comparison = compare_candidates(ordered, allow_mismatch=allow_mismatch)
        course = _course_of_reports(ordered, comparison.layers)
        notes += comparison.notes
    kept = None if course.judgement.abstention is not None else course.rows[course.first + course.judgement.kept]
    earlier: list[Path] = []
    if kept is not None and kept.path is None:
        earlier = [
            each.path for each in ordered if place_in_run(each.epoch, each.step) < place_in_run(kept.epoch, kept.step)
        ]
    return RunVerdict(
        rows=tuple(course.rows),
        judgement=course.judgement,
        kept=kept,
        nearest_earlier=earlier[-1] if earlier else None,
        notes=(course.source, *notes, *_what_people_take(ordered)),
        skipped=skipped,
    )


class _Course(NamedTuple):
    """The measurements of a run.

    Attributes:
        rows: All of them, oldest first.
        judgement: At the last of them.
        first: Index of the first row that is a moment of the judgement.
        source: Where they were read.
    """

    rows: list[RunRow]
    judgement: Judgement
    first: int
    source: str


def _course_of_monitor(ordered: Sequence[Candidate]) -> _Course | None:
    """What the monitor saw, as the newest checkpoint carries it; None where it does not.

    Raises:
        UnusableCheckpoint: The course is damaged.
    """
    newest = ordered[-1]
    for run in runs_of_checkpoint(newest.path):
        if run.judgement is None:
            continue
        first = len(run.course.history) - len(run.judgement.agreement)
        agreement = (*(math.nan,) * first, *run.judgement.agreement)
        by_step = {each.step: each for each in ordered}
        rows = []
        for index, measured in enumerate(run.course.history):
            epoch, step = measured["epoch"], int(measured["step"])
            logged = {metric: measured.get(metric_name(run.course.prefix, metric), math.nan) for metric in Metric}
            rows.append(
                RunRow(
                    path=by_step[step].path if step in by_step else None,
                    epoch=int(epoch) if math.isfinite(epoch) else None,
                    step=step,
                    mutual_information=logged[Metric.MI_MEAN],
                    entropy=logged[Metric.ENTROPY_MEAN],
                    smoothness=logged[Metric.SMOOTHNESS],
                    agreement=agreement[index],
                    is_memorizing=logged[Metric.MEMORIZING] == 1,
                    metrics=by_step[step].metrics if step in by_step else {},
                )
            )
        source = f"judged by the course that the monitor left in '{newest.path.name}': {len(rows)} measurements"
        return _Course(rows, run.judgement, first, source)
    return None


def _course_of_reports(ordered: Sequence[Candidate], layers: Sequence[str]) -> _Course:
    """What the checkpoints at hand saw; fewer of them see less of the run."""
    judgements: list[Judgement] = []
    for end in range(1, len(ordered) + 1):
        judgements.append(judge_next([each.moment for each in ordered[:end]], judgements[-1] if judgements else None))
    agreement = judgements[-1].agreement or (math.nan,) * len(ordered)
    rows = [
        RunRow(
            path=each.path,
            epoch=each.epoch,
            step=each.step,
            mutual_information=fmean(each.values("mutual_information", layers)),
            entropy=fmean(each.values("entropy", layers)),
            smoothness=each.moment.mean_smoothness,
            agreement=agreement[index],
            is_memorizing=judgements[index].is_memorizing,
            metrics=each.metrics,
        )
        for index, each in enumerate(ordered)
    ]
    source = f"judged by the reports of {len(rows)} checkpoints; what was measured between them is not known"
    return _Course(rows, judgements[-1], 0, source)


def _what_people_take(ordered: Sequence[Candidate]) -> list[str]:
    """The last epoch, and the best by each metric of validation that is known."""
    notes = [f"last epoch: '{ordered[-1].path.name}'"]
    for criterion, choose in (("validation_loss", min), ("validation_accuracy", max)):
        known = [each for each in ordered if criterion in each.scores]
        if known:
            best = choose(known, key=lambda each: each.scores[criterion])
            notes.append(f"best {criterion.replace('_', ' ')}: '{best.path.name}' ({best.scores[criterion]:.4g})")
    return notes
