"""Epochs of one run: judged as the monitor judges them, and one of them is kept."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from torch import nn

from lightning_infomem import judge_run, rank_checkpoints
from lightning_infomem.pages.html_report import Chapter, html_report
from lightning_infomem.plots import plot_run_verdict
from lightning_infomem.records.moment import Moment
from lightning_infomem.records.report import COURSE_KEY
from lightning_infomem.runs.alarm import PATIENCE, judge
from lightning_infomem.runs.run_file import RUN_FILE
from tests.checkpoints.checkpoint_files import make_report, make_run, save_checkpoint, save_run, save_zoo
from tests.runs.written_runs import log_run
from tests.selection.saved_runs import CLEAN, MEMORIZING, save_epochs


def test_the_checkpoint_before_memorization_is_kept(tmp_path):
    verdict = judge_run(save_epochs(tmp_path, MEMORIZING))
    assert verdict.is_memorizing
    assert verdict.judgement == judge([Moment.of(report) for report in MEMORIZING])
    assert verdict.best.epoch in (4, 5, 6)
    assert verdict.best is verdict.kept
    assert verdict.verdict.startswith("This run stores single examples from epoch ")
    assert f"Keep 'epoch={verdict.best.epoch}.ckpt'." in verdict.verdict
    assert [row.epoch for row in verdict.rows] == list(range(12))
    assert "last epoch: 'epoch=11.ckpt'" in verdict.notes
    assert verdict.notes[0].startswith("judged by the reports of 12 checkpoints;")


def test_the_run_memorizes_from_the_first_moment_that_the_alarm_waited_for(tmp_path):
    verdict = judge_run(save_epochs(tmp_path, MEMORIZING))
    epochs = [row.epoch for row in verdict.rows if row.is_memorizing]
    assert epochs == list(range(verdict.alarm.epoch, 12))
    assert verdict.since.epoch == verdict.alarm.epoch - PATIENCE + 1
    assert f"from {verdict.since.name} on (alarm at {verdict.alarm.name})" in verdict.verdict


def test_a_later_checkpoint_of_broken_weights_still_knows_the_run(tmp_path):
    reports = make_run(9, memorizes=True)
    save_run(tmp_path / "early.ckpt", reports[:4], run_id="a run")
    late = save_run(tmp_path / "late.ckpt", reports, run_id="a run")
    expected = judge_run(tmp_path)
    content = torch.load(late, weights_only=True)
    content["state_dict"]["weight"][0] = torch.nan
    torch.save(content, late)
    save_run(tmp_path / "other.ckpt", make_run(12), run_id="another run", late=1000)
    broken = torch.load(tmp_path / "other.ckpt", weights_only=True)
    torch.save({**broken, "state_dict": content["state_dict"]}, tmp_path / "other.ckpt")
    verdict = judge_run(tmp_path)
    assert (verdict.judgement, verdict.verdict[:60]) == (expected.judgement, expected.verdict[:60])
    assert verdict.notes[0] == "judged by the course that the monitor left in 'late.ckpt': 9 measurements"
    assert [row.path.name if row.path else None for row in verdict.rows] == [None] * 3 + ["early.ckpt"] + [None] * 5
    assert "its weights are not finite ('weight')" in verdict.skipped[str(late)]


def test_of_a_run_that_does_not_memorize_the_last_checkpoint_is_kept(tmp_path):
    verdict = judge_run(save_epochs(tmp_path, CLEAN))
    assert (verdict.is_memorizing, verdict.since, verdict.alarm) == (False, None, None)
    assert verdict.best.epoch == 11
    assert "no sign of storing single examples" in verdict.verdict


def test_a_copy_of_a_checkpoint_is_no_moment_of_its_own(tmp_path):
    expected = judge_run(save_epochs(tmp_path, MEMORIZING))
    save_checkpoint(tmp_path / "last.ckpt", MEMORIZING[-1], epoch=11, step=110)
    assert judge_run(tmp_path) == expected


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (lambda reports: reports[:2], "2 measurements of the run are too few"),
        (
            lambda reports: [dataclasses.replace(each, probe=str(each.epoch)) for each in reports],
            "the same inputs in the same order",
        ),
        (
            lambda reports: [dataclasses.replace(each, predictions=None) for each in reports],
            "the predicted classes are not known",
        ),
    ],
)
def test_where_nothing_is_known_the_verdict_says_why_and_nothing_is_best(tmp_path, changed, reason):
    verdict = judge_run(save_epochs(tmp_path, changed(MEMORIZING)))
    assert reason in verdict.abstention
    assert (verdict.kept, verdict.since) == (None, None)
    with pytest.raises(ValueError, match="No verdict on this run"):
        _ = verdict.best


def test_the_whole_course_in_the_newest_checkpoint_is_judged_where_it_is_there(tmp_path):
    reports = make_run(8, memorizes=True)
    for count in (4, 8):
        save_run(tmp_path / f"{count}.ckpt", reports[:count], run_id="run")
    verdict = judge_run(tmp_path)
    assert verdict.notes[0] == "judged by the course that the monitor left in '8.ckpt': 8 measurements"
    assert [row.epoch for row in verdict.rows] == list(range(8))
    assert [row.path is not None for row in verdict.rows] == [False] * 3 + [True] + [False] * 3 + [True]
    assert verdict.judgement == judge([Moment.of(report) for report in reports])
    assert (verdict.best.path.name, verdict.best.epoch) == ("4.ckpt", 3)
    row = verdict.rows[5]
    assert (row.step, row.smoothness, row.agreement) == (60, 0.5, pytest.approx(0.7))
    assert (row.mutual_information, row.entropy) == (pytest.approx(0.45), pytest.approx(2.5))


@pytest.mark.parametrize(
    ("counts", "earlier", "words"),
    [
        ((2, 3, 6, 8), "3.ckpt", "which has no checkpoint here; the nearest earlier one is '3.ckpt'."),
        ((6, 8), None, "which has no checkpoint here, and neither has any earlier moment."),
    ],
)
def test_a_moment_to_keep_without_a_checkpoint_is_never_replaced_silently(tmp_path, counts, earlier, words):
    reports = make_run(8, memorizes=True)
    for count in counts:
        save_run(tmp_path / f"{count}.ckpt", reports[:count], run_id="run")
    verdict = judge_run(tmp_path)
    assert (verdict.kept.epoch, verdict.kept.step, verdict.kept.path) == (3, 40, None)
    assert verdict.nearest_earlier == (None if earlier is None else tmp_path / earlier)
    assert f"Keep epoch 3, step 40, {words}" in verdict.verdict
    with pytest.raises(ValueError, match="which has no checkpoint here"):
        _ = verdict.best


def test_the_last_checkpoint_alone_is_enough_where_it_carries_the_course(tmp_path):
    verdict = judge_run(save_run(tmp_path / "last.ckpt", make_run(5)))
    assert (verdict.best.path.name, len(verdict.rows)) == ("last.ckpt", 5)


def test_a_run_file_alone_names_the_moment_to_keep(tmp_path):
    reports = make_run(8, memorizes=True)
    expected = judge_run(save_run(tmp_path / "last.ckpt", reports))
    log_run(tmp_path / "logs" / "version_0", reports)
    verdict = judge_run(tmp_path / "logs")
    assert verdict.notes == (f"judged by '{tmp_path / 'logs' / 'version_0' / RUN_FILE}': 8 measurements",)
    assert (verdict.is_memorizing, verdict.since.epoch, verdict.alarm.epoch) == (True, 4, 6)
    assert (verdict.kept.epoch, verdict.kept.step, verdict.kept.path) == (3, 40, None)
    assert verdict.verdict.endswith("Keep epoch 3, step 40; there is no checkpoint of this run here.")
    assert verdict.verdict == expected.verdict.replace(
        "epoch 3, step 40, which has no checkpoint here, and neither has any earlier moment",
        "epoch 3, step 40; there is no checkpoint of this run here",
    )
    for row, same in zip(verdict.rows, expected.rows, strict=True):
        assert dataclasses.replace(row, agreement=0.0) == dataclasses.replace(
            same, path=None, agreement=0.0, metrics={}
        )
    with pytest.raises(ValueError, match="no checkpoint of this run here"):
        _ = verdict.best


def test_a_run_file_of_a_run_that_does_not_memorize_keeps_its_end_or_abstains(tmp_path):
    log_run(tmp_path / "long", make_run(5))
    verdict = judge_run(tmp_path / "long")
    assert (verdict.is_memorizing, verdict.since, verdict.kept.epoch) == (False, None, 4)
    assert verdict.verdict.endswith("Keep epoch 4, step 50; there is no checkpoint of this run here.")
    log_run(tmp_path / "short", make_run(3))
    verdict = judge_run(tmp_path / "short")
    assert (verdict.kept, verdict.abstention) == (None, "3 measurements of the run are too few, 4 are required")


def test_a_run_file_cannot_be_judged_anew_but_can_be_denied(tmp_path):
    log_run(tmp_path / "unknown", [dataclasses.replace(each, task="unknown") for each in make_run(8)])
    verdict = judge_run(tmp_path / "unknown", task="classification")
    assert verdict.abstention.startswith("whether the network classifies is unknown")
    assert 'although task="classification" was given: a run file holds no predictions' in verdict.notes[0]
    log_run(tmp_path / "known", make_run(8, memorizes=True))
    assert judge_run(tmp_path / "known", task="classification").is_memorizing
    verdict = judge_run(tmp_path / "known", task="regression")
    assert verdict.abstention == 'the network does regression (task="regression" was given)'
    assert (verdict.is_memorizing, verdict.kept, verdict.since) == (False, None, None)
    assert not any(row.is_memorizing for row in verdict.rows)


def test_a_moment_to_keep_before_the_run_file_begins_has_a_row_all_the_same(tmp_path):
    log_run(tmp_path, make_run(8, memorizes=True), first=5)
    verdict = judge_run(tmp_path)
    assert [row.step for row in verdict.rows] == [40, 60, 70, 80]
    assert verdict.kept is verdict.rows[0]
    assert "Keep epoch 3, step 40;" in str(verdict)


@pytest.mark.parametrize("first", [4, 5, 6, 7])
def test_a_run_file_that_begins_late_knows_of_no_earlier_moment(tmp_path, first):
    log_run(tmp_path, make_run(8, memorizes=True), first=first)
    verdict = judge_run(tmp_path)
    assert verdict.is_memorizing
    assert verdict.since.step == max(50, 10 * (first + 1))
    assert verdict.alarm.step == max(70, 10 * (first + 1))
    assert verdict.kept.step == 40
    assert ("may have begun before" in verdict.notes[0]) is (first >= 6)


def test_checkpoints_of_two_runs_are_not_judged_as_one(tmp_path):
    save_run(tmp_path / "one" / "e3.ckpt", make_run(4), run_id="one")
    save_run(tmp_path / "two" / "e7.ckpt", make_run(8), run_id="two")
    with pytest.raises(ValueError, match=r"those of one run are required, got 2 runs \('.*e3\.ckpt', '.*e7\.ckpt'\)"):
        judge_run(tmp_path)


def test_a_checkpoint_saved_after_the_training_is_no_moment_of_its_own(tmp_path):
    expected = judge_run(save_epochs(tmp_path, MEMORIZING[:9]))
    # Lightning counts the epoch as completed by then; its step is the same.
    save_checkpoint(tmp_path / "final.ckpt", MEMORIZING[8], epoch=9, step=MEMORIZING[8].step)
    assert judge_run(tmp_path).judgement == expected.judgement
    assert len(judge_run(tmp_path).rows) == len(expected.rows)


def test_the_run_file_answers_where_checkpoints_hold_weights_alone(tmp_path):
    path = log_run(tmp_path, make_run(8, memorizes=True))
    torch.save({"state_dict": nn.Linear(2, 2).state_dict()}, tmp_path / "weights.ckpt")
    assert judge_run(tmp_path).kept.epoch == 3
    assert judge_run(path) == judge_run(tmp_path)


def test_run_files_of_several_runs_are_not_judged_as_one(tmp_path):
    for name in "ab":
        log_run(tmp_path / name, make_run(5), run_id=name)
    with pytest.raises(
        ValueError, match=r"checkpoints: one run is required, got no usable checkpoint, and several runs"
    ):
        judge_run(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="at least one checkpoint is required, got none"):
        judge_run(tmp_path / "empty")


def test_a_damaged_course_is_named_and_the_reports_are_judged(tmp_path):
    reports = make_run(5)
    for count in range(1, 6):
        path = save_run(tmp_path / f"{count}.ckpt", reports[:count], run_id="run")
    checkpoint = torch.load(path, weights_only=True)
    next(iter(checkpoint["callbacks"].values()))[COURSE_KEY]["moments"] = [{"odd": 1}]
    torch.save(checkpoint, path)
    verdict = judge_run(tmp_path)
    assert verdict.notes[0].startswith("judged by the reports of 5 checkpoints")
    assert "the course of its run cannot be read" in verdict.notes[1]
    assert verdict.best.path.name == "5.ckpt"


def test_checkpoints_of_several_runs_are_not_judged_as_one(tmp_path):
    with pytest.raises(ValueError, match=r"those of one run are required, got '.*high.ckpt' and '.*low.ckpt'"):
        judge_run(save_zoo(tmp_path, {"low": 0.1, "high": 0.9}))


def test_checkpoints_without_a_place_in_the_run_are_refused(tmp_path):
    save_epochs(tmp_path, MEMORIZING)
    save_checkpoint(tmp_path / "bare.ckpt", make_report({"fc1": 0.3}), epoch=None, step=None)
    with pytest.raises(ValueError, match=r"an epoch or a step is required in each, .* got none in '.*bare.ckpt'"):
        judge_run(tmp_path)


def test_reports_that_were_not_measured_alike_are_refused(tmp_path):
    save_epochs(tmp_path, MEMORIZING[:5])
    other = dataclasses.replace(MEMORIZING[5], settings={**MEMORIZING[5].settings, "neighbors": 5})
    save_epochs(tmp_path, [other])
    with pytest.raises(ValueError, match=r"settings.neighbors: 3 in .* but 5 in"):
        judge_run(tmp_path)
    verdict = judge_run(tmp_path, allow_mismatch=["settings.neighbors"])
    assert any("compared all the same" in note for note in verdict.notes)


def test_files_without_a_report_are_skipped_or_measured(tmp_path):
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    for epoch in range(2):
        save_checkpoint(tmp_path / f"{epoch}.ckpt", None, state_dict=network.state_dict(), epoch=epoch, step=epoch)
    with pytest.raises(ValueError, match=r"at least one usable one is required, got 0 of 2 .*carries no report"):
        judge_run(tmp_path)
    data = torch.randn(64, 4, generator=torch.Generator().manual_seed(1)).split(16)
    verdict = judge_run(tmp_path, model=network, data=data, bins=20)
    assert [row.epoch for row in verdict.rows] == [0, 1]
    assert verdict.rows[0].mutual_information == verdict.rows[1].mutual_information
    (tmp_path / "half.ckpt").write_bytes((tmp_path / "1.ckpt").read_bytes()[:100])
    assert list(judge_run(tmp_path, model=network, data=data, bins=20).skipped) == [str(tmp_path / "half.ckpt")]


def test_a_field_that_does_not_exist_is_refused_whatever_the_verdict_rests_on(tmp_path):
    save_run(tmp_path / "monitor" / "last.ckpt", MEMORIZING)
    for folder in (tmp_path / "monitor", save_epochs(tmp_path / "reports", MEMORIZING)):
        for name in ("bogus", "setings.bins"):
            with pytest.raises(
                ValueError, match=f"allow_mismatch: fields that are compared are required, got '{name}'"
            ):
                judge_run(folder, allow_mismatch=[name])
        with pytest.raises(TypeError, match="allow_mismatch: a list of fields is required"):
            judge_run(folder, allow_mismatch="probe")
        assert judge_run(folder, allow_mismatch=["probe", "settings.bins"]).judgement.is_memorizing


def test_a_misspelt_argument_is_named(tmp_path):
    with pytest.raises(TypeError, match=r"allow_mismatches: .* nearest: allow_mismatch"):
        judge_run(tmp_path, allow_mismatches=[])
    with pytest.raises(ValueError, match="bins: only with model and data"):
        judge_run(tmp_path, bins=3)


def test_what_people_take_today_is_named(tmp_path):
    for epoch, loss in ((0, 0.9), (1, 0.4), (2, 0.6)):
        name = f"epoch={epoch}.ckpt"
        path = save_checkpoint(tmp_path / name, make_report({"fc1": 0.1}), epoch=epoch, step=10 * epoch)
        checkpoint = torch.load(path, weights_only=True)
        checkpoint["callbacks"]["ModelCheckpoint"] = {
            "monitor": "val_loss",
            "best_k_models": {f"/else/where/{name}": torch.tensor(loss)},
        }
        torch.save(checkpoint, path)
    verdict = judge_run(tmp_path)
    assert {"last epoch: 'epoch=2.ckpt'", "best validation loss: 'epoch=1.ckpt' (0.4)"} <= set(verdict.notes)
    assert [row.metrics["val_loss"] for row in verdict.rows] == pytest.approx([0.9, 0.4, 0.6])


def test_a_ranking_of_one_run_is_refused_and_names_what_to_do(tmp_path):
    save_epochs(tmp_path, MEMORIZING)
    with pytest.raises(ValueError, match=r"steps of one run in .* judge_run, or `infomem run`, says"):
        rank_checkpoints(tmp_path, memorization="example")


def test_the_figure_is_that_of_the_run(tmp_path):
    figure = plot_run_verdict(judge_run(save_epochs(tmp_path / "memorizing", MEMORIZING)))
    assert figure.get_suptitle().startswith("memorizes from epoch ")
    assert len(figure.axes) == 3
    short = plot_run_verdict(judge_run(save_epochs(tmp_path / "short", CLEAN[:3])), metric={0: 0.5}, metric_name="F1")
    assert short.get_suptitle() == "memorization: no verdict"
    assert short.axes[-1].get_title(loc="left") == "F1"


def test_page_and_exports_tell_the_checkpoint_to_keep(tmp_path):
    verdict = judge_run(save_epochs(tmp_path, MEMORIZING))
    page = html_report([Chapter("One run", verdict=verdict)])
    assert verdict.best.path.name in page
    assert "stores single examples" in page
    read = json.loads(verdict.to_json())
    assert read["kept"]["epoch"] == verdict.best.epoch
    assert read["judgement"]["is_memorizing"] is True
    for text in (str(verdict), verdict.to_markdown()):
        assert "stores single examples" in text.replace("\n", " ")
        assert "epoch=0.ckpt" in text
    assert [record["epoch"] for record in verdict.to_records()] == list(range(12))
    assert verdict.to_csv().startswith("path,epoch,step,mutual_information,entropy,")
