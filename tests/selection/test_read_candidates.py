"""The first stage: files become candidates, or are named with the reason why not."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_infomem import rank_checkpoints
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, find_checkpoints
from lightning_infomem.selection.read_candidates import offline_measurement, read_candidate, read_candidates
from tests.checkpoints.checkpoint_files import make_report, save_checkpoint, save_zoo


def test_usable_files_are_candidates_and_others_are_named(tmp_path):
    save_zoo(tmp_path, {"low": 0.1, "high": 0.9})
    save_checkpoint(tmp_path / "bare.ckpt", None)
    candidates, skipped = read_candidates(find_checkpoints(tmp_path))
    assert [(each.path.stem, each.epoch, each.step, each.carried) for each in candidates] == [
        ("high", 9, 90, True),
        ("low", 9, 90, True),
    ]
    assert list(skipped) == [str(tmp_path / "bare.ckpt")]
    assert "carries no report" in skipped[str(tmp_path / "bare.ckpt")]


@pytest.mark.parametrize(
    ("at_least", "words"), [(1, "one usable one is required"), (2, "two usable ones are required")]
)
def test_too_few_usable_files_are_an_error(tmp_path, at_least, words):
    path = save_checkpoint(tmp_path / "bare.ckpt", None)
    with pytest.raises(ValueError, match=rf"checkpoints: at least {words}, got 0 of 1 \('.*bare.ckpt': carries no"):
        read_candidates([path], at_least=at_least)


def test_a_file_without_a_report_is_measured_by_the_model(tmp_path):
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    path = save_checkpoint(tmp_path / "bare.ckpt", None, state_dict=network.state_dict())
    data = torch.randn(64, 4, generator=torch.Generator().manual_seed(1)).split(16)
    measurement = offline_measurement(
        rank_checkpoints, network, data, layers=["0"], settings={"bins": 20}, forward=None
    )
    candidate = read_candidate(path, measurement, weight_norms=True)
    assert (candidate.carried, list(candidate.layers)) == (False, ["0"])
    assert {"path_norm", "spectral_norm_sum", "frobenius_norm_log_product"} <= set(candidate.scores)
    assert offline_measurement(rank_checkpoints, None, None, layers="auto", settings={}, forward=None) is None


def test_a_network_that_diverged_cannot_be_used(tmp_path):
    path = save_checkpoint(tmp_path / "nan.ckpt", make_report({"fc1": float("nan")}))
    with pytest.raises(UnusableCheckpoint, match="has its training diverged"):
        read_candidate(path)
