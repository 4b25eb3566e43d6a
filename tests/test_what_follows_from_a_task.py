"""One network, measured under each task: what is stored, logged, judged and ranked."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path

import pytest
import torch

from lightning_infomem import judge_run, rank_checkpoints
from lightning_infomem.measurement import measure_samples
from lightning_infomem.records.moment import Moment
from lightning_infomem.records.report import InformationReport
from lightning_infomem.runs.alarm import judge
from lightning_infomem.runs.run_course import RunCourse
from lightning_infomem.runs.scalars import scalars
from lightning_infomem.settings import MeasurementSettings
from tests.checkpoints.checkpoint_files import save_checkpoint, save_run

OF_CLASSES = {"infomem/confidence", "infomem/smoothness", "infomem/hidden/smoothness"}
OF_PREDICTIONS = {"mean_confidence", "softmax_entropy", "nuclear_norm", "mano"}
REASON = "so the test says"
WITHOUT = ["regression", "none", "unknown"]


def measured(task: str, moment: int = 0) -> InformationReport:
    """One of the reports of a run that learns, and from the sixth on leaves what it has learnt."""
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(120, 6, generator=generator)
    logits = 8 * samples[:, :3]
    left = torch.rand(120, generator=generator) < max(0, moment - 4) * 0.15
    logits[left] = 8 * torch.randn(int(left.sum()), 3, generator=torch.Generator().manual_seed(1))
    return measure_samples(
        {"hidden": samples * (1 + moment)},
        MeasurementSettings(),
        logits=logits,
        input_marks=torch.arange(120)[:, None],
        task=task,
        task_reason=REASON,
        epoch=moment,
        step=10 * (moment + 1),
    )


@pytest.fixture(scope="module")
def runs() -> dict[str, list[InformationReport]]:
    run = [measured("unknown", moment) for moment in range(9)]
    known = {task: [dataclasses.replace(each, task=task) for each in run] for task in ("classification", "assumed")}
    return {**known, "unknown": run, **{task: [measured(task, each) for each in range(9)] for task in WITHOUT[:2]}}


@pytest.mark.parametrize("task", ["classification", "assumed", "unknown"])
def test_classes_are_stored_unless_there_are_none(task: str) -> None:
    report = measured(task)
    assert set(report.scores) == OF_PREDICTIONS
    assert report.predictions is not None
    assert math.isfinite(report["hidden"].scores["class_smoothness"])
    assert (report.task, report.task_reason) == (task, REASON)


@pytest.mark.parametrize("task", ["regression", "none"])
def test_nothing_of_classes_is_stored_where_there_are_none(task: str) -> None:
    report = measured(task)
    assert report.scores == {}
    assert report.predictions is None
    assert "class_smoothness" not in report["hidden"].scores


def test_a_misspelt_task_is_refused() -> None:
    with pytest.raises(ValueError, match=r"task: one of .* got 'clasification'; did you mean 'classification'"):
        measured("clasification")


def test_a_classification_logs_its_confidence_and_no_other_network_does() -> None:
    others = [scalars(measured(task)) for task in (*WITHOUT, "assumed")]
    known = scalars(measured("classification"))
    assert known.keys() - others[0].keys() == OF_CLASSES
    assert all(each.keys() == others[0].keys() for each in others)


def test_the_alarm_is_that_of_a_classification(runs: dict[str, list[InformationReport]]) -> None:
    for task in ("classification", "assumed"):
        judgement = judge([Moment.of(report) for report in runs[task]])
        assert judgement.is_memorizing
        assert judgement.kept == 4


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("regression", f"the network does regression ({REASON})"),
        ("none", f"the outputs of the network are no classes ({REASON})"),
        ("unknown", f'whether the network classifies is unknown ({REASON}): give task="classification"'),
    ],
)
def test_the_alarm_abstains_with_the_true_reason_from_the_first_moment_on(
    runs: dict[str, list[InformationReport]], task: str, words: str
) -> None:
    moments = [Moment.of(report) for report in runs[task]]
    for end in (1, 4, len(moments)):
        judgement = judge(moments[:end])
        assert not judgement.is_memorizing
        assert judgement.abstention is not None
        assert judgement.abstention.startswith(words)


def test_without_outputs_of_a_linear_layer_that_is_what_is_missing() -> None:
    report = measure_samples({"hidden": torch.randn(120, 6)}, MeasurementSettings())
    reason = judge([Moment.of(report)]).abstention
    assert reason is not None
    assert reason.startswith("the predicted classes are not known: a network that ends in a linear layer")


def test_a_task_that_is_found_late_finds_the_classes_that_were_stored(runs: dict[str, list[InformationReport]]) -> None:
    late = [*runs["unknown"][:4], *runs["classification"][4:]]
    assert judge([Moment.of(report) for report in late]) == judge([Moment.of(report) for report in runs["assumed"]])
    course = RunCourse("infomem")
    logged = [course.add(each, epoch=number, step=number, training_confidence=0.9) for number, each in enumerate(late)]
    names = [values.keys() for values in logged]
    assert all(before <= after for before, after in itertools.pairwise(names))  # a name never goes
    late_names = {*OF_CLASSES, "infomem/training_confidence", "infomem/confidence_gap"}
    assert names[4] - names[3] == late_names


@pytest.mark.parametrize("task", [*WITHOUT, "assumed"])
def test_confidence_on_training_inputs_needs_a_classification(
    runs: dict[str, list[InformationReport]], task: str
) -> None:
    values = RunCourse("infomem").add(runs[task][0], epoch=0, step=1, training_confidence=0.9)
    assert not [name for name in values if "confidence" in name]


# Ranking


def save_pair(folder: Path, *reports: InformationReport) -> Path:
    for number, report in enumerate(reports):
        save_checkpoint(folder / str(number) / "last.ckpt", report)
    return folder


def test_known_classes_rank_without_a_word(tmp_path: Path) -> None:
    ranking = rank_checkpoints(
        save_pair(tmp_path, measured("classification"), measured("classification", 6)), memorization="example"
    )
    assert set(ranking.rows[0].ranks) > OF_PREDICTIONS
    assert not any("not ranked by" in note for note in ranking.notes)
    assert "classes_assumed" not in {flag.name for flag in ranking.flags}


def test_assumed_classes_rank_with_a_flag_that_says_so(tmp_path: Path) -> None:
    ranking = rank_checkpoints(save_pair(tmp_path, measured("assumed"), measured("assumed", 6)), memorization="example")
    assert set(ranking.rows[0].ranks) > OF_PREDICTIONS
    [flag] = [flag for flag in ranking.flags if flag.name == "classes_assumed"]
    assert REASON in flag.message
    assert 'task="classification"' in flag.message
    said = rank_checkpoints(tmp_path, memorization="example", task="classification")
    assert set(said.rows[0].ranks) > OF_PREDICTIONS
    assert "classes_assumed" not in {flag.name for flag in said.flags}


@pytest.mark.parametrize("task", WITHOUT)
def test_without_classes_those_criteria_are_absent_and_the_reason_is_noted(tmp_path: Path, task: str) -> None:
    ranking = rank_checkpoints(save_pair(tmp_path, measured(task), measured(task, 6)), memorization="example")
    for row in ranking.rows:
        assert not OF_PREDICTIONS & {*row.ranks, *row.scores}
        assert row.rank is not None
    assert set(ranking.missing) >= OF_PREDICTIONS
    [note] = [note for note in ranking.notes if "not ranked by" in note]
    assert "last.ckpt': not ranked by predicted classes: " in note
    assert REASON in note


def test_what_the_user_says_of_stored_classes_holds(tmp_path: Path) -> None:
    folder = save_pair(tmp_path, measured("unknown"), measured("unknown", 6))
    ranking = rank_checkpoints(folder, memorization="example", task="classification")
    assert set(ranking.rows[0].ranks) > OF_PREDICTIONS
    assert not any("not ranked by" in note for note in ranking.notes)
    denied = rank_checkpoints(folder, memorization="example", task="regression")
    assert not OF_PREDICTIONS & set(denied.rows[0].ranks)
    assert any('the network does regression (task="regression" was given)' in note for note in denied.notes)
    with pytest.raises(ValueError, match=r"task: one of 'auto', .* did you mean 'regression'"):
        rank_checkpoints(folder, task="regresion")  # type: ignore[arg-type]


def test_known_and_unknown_tasks_are_ranked_together_and_named(tmp_path: Path) -> None:
    folder = save_pair(tmp_path, measured("classification"), measured("unknown", 6), measured("assumed", 3))
    ranking = rank_checkpoints(folder, memorization="example")
    assert [len(OF_PREDICTIONS & set(row.ranks)) for row in sorted(ranking.rows, key=lambda row: row.path)] == [4, 0, 4]
    [note] = [note for note in ranking.notes if "not ranked by predicted classes" in note]
    assert "1/last.ckpt" in note
    assert "0/last.ckpt" not in note


def test_networks_of_different_tasks_are_refused_unless_allowed(tmp_path: Path) -> None:
    folder = save_pair(tmp_path, measured("classification"), measured("regression", 6))
    with pytest.raises(ValueError, match=r"task: classification in .* but regression in .*allow_mismatch=\['task'\]"):
        rank_checkpoints(folder, memorization="example")
    ranking = rank_checkpoints(folder, memorization="example", allow_mismatch=["task"])
    assert any("they differ in task: classification in" in note for note in ranking.notes)
    assert rank_checkpoints(folder, memorization="example", task="classification").refusal is None


def test_how_task_and_examples_were_said_makes_no_reports_incomparable(tmp_path: Path) -> None:
    one, other = measured("classification"), measured("classification", 6)
    said = MeasurementSettings(task="classification", examples=lambda batch: len(batch)).to_state()
    folder = save_pair(tmp_path, one, dataclasses.replace(other, settings=said))
    assert rank_checkpoints(folder, memorization="example").refusal is None


# Judging a run


@pytest.mark.parametrize("whole_course", [False, True])
def test_a_run_of_unknown_task_is_judged_when_its_task_is_said(
    tmp_path: Path, runs: dict[str, list[InformationReport]], whole_course: bool
) -> None:
    def save(task: str) -> Path:
        folder = tmp_path / task
        if whole_course:
            save_run(folder / "last.ckpt", runs[task])
        else:
            for report in runs[task]:
                save_checkpoint(folder / f"{report.epoch}.ckpt", report, epoch=report.epoch or 0, step=report.step or 0)
        return folder

    unknown, known = save("unknown"), judge_run(save("classification"))
    assert known.is_memorizing
    silent = judge_run(unknown)
    assert silent.abstention is not None
    assert "whether the network classifies is unknown" in silent.verdict
    verdict = judge_run(unknown, task="classification")
    assert verdict.judgement == known.judgement
    said = [(row.epoch, row.smoothness, row.agreement, row.is_memorizing) for row in verdict.rows]
    assert said == [(row.epoch, row.smoothness, row.agreement, row.is_memorizing) for row in known.rows]
    denied = judge_run(unknown, task="none")
    assert denied.abstention == 'the outputs of the network are no classes (task="none" was given)'
    with pytest.raises(ValueError, match=r"task: one of 'auto', .* got 'classes'"):
        judge_run(unknown, task="classes")  # type: ignore[arg-type]


def test_a_run_of_assumed_classes_is_judged_with_a_note(
    tmp_path: Path, runs: dict[str, list[InformationReport]]
) -> None:
    for report in runs["assumed"]:
        save_checkpoint(tmp_path / f"{report.epoch}.ckpt", report, epoch=report.epoch or 0, step=report.step or 0)
    verdict = judge_run(tmp_path)
    assert verdict.is_memorizing
    assert any("are taken for logits of classes" in note for note in verdict.notes)
    assert not any("are taken for" in note for note in judge_run(tmp_path, task="classification").notes)
