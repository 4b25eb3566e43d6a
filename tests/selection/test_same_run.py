"""Epochs of one run are refused by a ranking; the last epochs of several runs are not."""

from __future__ import annotations

import pytest

from lightning_infomem import rank_checkpoints
from lightning_infomem.selection.same_run import EpochsOfOneRun
from tests.checkpoints.checkpoint_files import make_report, save_checkpoint


def _save(path, value, epoch):
    save_checkpoint(path, make_report({"fc1": value}), epoch=epoch, step=10 * epoch)


def _rank(folder, **arguments):
    return rank_checkpoints(folder, memorization="heuristic", **arguments)


def test_epochs_of_one_run_are_no_recipes(tmp_path):
    for epoch in range(3):
        _save(tmp_path / f"epoch={epoch}.ckpt", epoch / 10, epoch)
    with pytest.raises(EpochsOfOneRun, match=r"got 3 epochs in '.*': these are epochs of one run"):
        _rank(tmp_path)
    # A second file of the last epoch, as save_last writes it.
    _save(tmp_path / "last.ckpt", 0.2, 2)
    with pytest.raises(EpochsOfOneRun, match="got 3 epochs"):
        _rank(tmp_path)


def test_names_of_recipes_say_that_they_are_no_epochs_of_one_run(tmp_path):
    for epoch in range(3):
        _save(tmp_path / f"epoch={epoch}.ckpt", epoch / 10, epoch)
    assert _rank(tmp_path, groups=lambda path: path.stem).best.epoch == 0


def test_last_epochs_of_several_runs_are_ranked(tmp_path):
    for seed in range(3):
        _save(tmp_path / f"seed{seed}.ckpt", seed / 10, 9)
    assert len(_rank(tmp_path).rows) == 3
    _save(tmp_path / "stopped-early.ckpt", 0.7, 4)
    assert len(_rank(tmp_path).rows) == 4


def test_checkpoints_of_several_folders_are_ranked(tmp_path):
    for seed in range(3):
        _save(tmp_path / f"version_{seed}" / "a.ckpt", seed / 10, seed)
    assert len(_rank(tmp_path).rows) == 3
