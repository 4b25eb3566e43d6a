"""Epochs of one run: judged as the monitor judges them, and one of them is kept."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from lightning_infomem import rank_checkpoints
from lightning_infomem.cli.main import main
from lightning_infomem.pages.html_report import Chapter, html_report
from lightning_infomem.plots import plot_ranking
from lightning_infomem.records.moment import Moment
from lightning_infomem.runs.alarm import judge
from tests.checkpoints.checkpoint_files import make_report, save_checkpoint

TRUTH = torch.arange(400, dtype=torch.int32) % 10


def report_of(epoch, share_flipped, smoothness, *, probe="same inputs"):
    generator = torch.Generator().manual_seed(epoch)
    predicted = torch.where(
        torch.rand(400, generator=generator) < share_flipped,
        torch.randint(0, 10, (400,), generator=generator).int(),
        TRUTH,
    )
    plain = make_report({"fc1": 0.3}, epoch=epoch, step=10 * epoch, probe=probe, predicted=predicted)
    layers = tuple(
        dataclasses.replace(layer, scores={**layer.scores, "class_smoothness": smoothness}) for layer in plain.layers
    )
    return dataclasses.replace(plain, layers=layers)


# Learns until epoch 5, then predictions depart and are less and less smooth.
MEMORIZING = [
    report_of(epoch, abs(epoch - 5) * 0.05, 0.9 - abs(epoch - 5) * (0.02 if epoch < 5 else 0.04)) for epoch in range(12)
]
CLEAN = [report_of(epoch, 0.3 / (epoch + 1), 0.9 - 0.3 / (epoch + 1)) for epoch in range(12)]


def save_run(folder, reports):
    for report in reports:
        save_checkpoint(folder / f"epoch={report.epoch}.ckpt", report, epoch=report.epoch, step=report.step)
    return folder


@pytest.mark.parametrize("arguments", [{}, {"along_run": True}, {"memorization": "example"}])
def test_the_checkpoint_before_memorization_is_kept(tmp_path, arguments):
    ranking = rank_checkpoints(save_run(tmp_path, MEMORIZING), **arguments)
    assert ranking.judgement.is_memorizing
    assert ranking.judgement == judge([Moment.of(report) for report in MEMORIZING])
    assert ranking.best.epoch in (4, 5, 6)
    assert ranking.best_set == (ranking.best,)
    assert ranking.verdict.startswith("This run stores single examples")
    assert f"Keep 'epoch={ranking.best.epoch}.ckpt'" in ranking.verdict
    assert [row.epoch for row in ranking.rows] == list(range(12))
    assert "last epoch: 'epoch=11.ckpt'" in ranking.notes


def test_of_a_run_that_does_not_memorize_the_last_checkpoint_is_kept(tmp_path):
    ranking = rank_checkpoints(save_run(tmp_path, CLEAN))
    assert not ranking.judgement.is_memorizing
    assert ranking.best.epoch == 11
    assert "without a sign" in ranking.verdict


def test_a_copy_of_a_checkpoint_is_no_moment_of_its_own(tmp_path):
    save_run(tmp_path, MEMORIZING)
    expected = rank_checkpoints(tmp_path)
    save_checkpoint(tmp_path / "last.ckpt", MEMORIZING[-1], epoch=11, step=110)
    ranking = rank_checkpoints(tmp_path)
    assert ranking.judgement == expected.judgement
    assert ranking.best.epoch == expected.best.epoch
    agreement = {row.path.name: row.scores["consensus_agreement"] for row in ranking.rows}
    assert agreement["last.ckpt"] == agreement["epoch=11.ckpt"] == ranking.judgement.agreement[-1]


def test_where_nothing_can_be_told_the_refusal_says_why(tmp_path):
    ranking = rank_checkpoints(save_run(tmp_path, MEMORIZING[:2]))
    assert ranking.kept is None
    assert "2 measurements of the run are too few" in ranking.refusal
    with pytest.raises(ValueError, match="one run"):
        _ = ranking.best
    assert "nothing can be told" in ranking.verdict


def test_other_validation_inputs_at_each_epoch_say_so(tmp_path):
    reports = [dataclasses.replace(report, probe=str(report.epoch)) for report in MEMORIZING]
    ranking = rank_checkpoints(save_run(tmp_path, reports), allow_mismatch=("probe",))
    assert "the same inputs in the same order" in ranking.refusal


def test_reports_of_before_predictions_were_kept_are_a_trend_only(tmp_path):
    reports = [dataclasses.replace(report, predicted=None) for report in MEMORIZING]
    ranking = rank_checkpoints(save_run(tmp_path, reports))
    assert "the predicted classes are not known" in ranking.refusal


def test_checkpoints_of_several_runs_are_not_judged(tmp_path):
    save_run(tmp_path, MEMORIZING)
    ranking = rank_checkpoints(tmp_path, along_run=False, memorization="example")
    assert ranking.judgement is None
    assert ranking.kept is None


def test_the_figure_is_that_of_the_run(tmp_path):
    figure = plot_ranking(rank_checkpoints(save_run(tmp_path / "memorizing", MEMORIZING)))
    assert "memoriz" in figure.get_suptitle().lower() or "stores" in figure.get_suptitle().lower()
    assert len(figure.axes) == 3
    quiet = plot_ranking(rank_checkpoints(save_run(tmp_path / "clean", CLEAN)))
    assert quiet.get_suptitle() != figure.get_suptitle()
    short = plot_ranking(rank_checkpoints(save_run(tmp_path / "short", CLEAN[:3])))
    assert len(short.axes) == 2  # the course of both measures only


def test_command_line_page_and_exports_tell_the_checkpoint_to_keep(tmp_path, capsys):
    folder = str(save_run(tmp_path / "run", MEMORIZING))
    ranking = rank_checkpoints(folder)
    kept = f"epoch={ranking.best.epoch}.ckpt"
    assert main(["rank", folder]) == 0
    assert f"Keep '{kept}'" in " ".join(capsys.readouterr().out.split())
    assert kept in html_report([Chapter("One run", ranking)])
    assert "stores single examples" in html_report([Chapter("One run", ranking)])
    read = json.loads(ranking.to_json())
    assert read["kept"]["epoch"] == ranking.best.epoch
    assert read["judgement"]["is_memorizing"] is True
    assert "stores single examples" in ranking.to_markdown()
