"""What a ranking says against itself."""

from __future__ import annotations

import pytest

from lightning_infomem.selection.ranking import rank_checkpoints
from lightning_infomem.settings import MeasurementSettings
from tests.selection.checkpoint_files import make_report, save_checkpoint

ONE_RUN = "these look like epochs of one run"


def _notes(folder, memorization="heuristic"):
    return " ".join(rank_checkpoints(folder, memorization=memorization).notes)


def _save(path, value, epoch):
    return save_checkpoint(path, make_report({"fc1": value}), epoch=epoch, step=10 * epoch)


def test_epochs_of_one_run_are_a_trend(tmp_path):
    for epoch in range(3):
        _save(tmp_path / f"epoch={epoch}.ckpt", epoch / 10, epoch)
    assert ONE_RUN in _notes(tmp_path)
    # A second file of the last epoch, as save_last writes it.
    _save(tmp_path / "last.ckpt", 0.2, 2)
    assert ONE_RUN in _notes(tmp_path)


def test_last_epochs_of_several_runs_are_no_trend(tmp_path):
    for seed in range(3):
        _save(tmp_path / f"seed{seed}.ckpt", seed / 10, 9)
    assert ONE_RUN not in _notes(tmp_path)
    _save(tmp_path / "stopped-early.ckpt", 0.7, 4)
    assert ONE_RUN not in _notes(tmp_path)


def test_checkpoints_of_several_folders_are_no_trend(tmp_path):
    for seed in range(3):
        _save(tmp_path / f"version_{seed}" / "a.ckpt", seed / 10, seed)
    assert ONE_RUN not in _notes(tmp_path)


@pytest.mark.parametrize(
    ("value_range", "memorization", "said"),
    [("unit", "example", True), ("unit", "heuristic", False), ("network", "example", False)],
)
def test_bins_that_turn_the_entropy_round_are_said(tmp_path, value_range, memorization, said):
    settings = MeasurementSettings(value_range=value_range).to_state()
    for name, value in (("a", 0.1), ("b", 0.2)):
        save_checkpoint(tmp_path / f"{name}.ckpt", make_report({"fc1": value}, settings=settings))
    assert ("the direction of the entropy rank" in _notes(tmp_path, memorization)) == said
