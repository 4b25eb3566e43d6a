"""Checkpoints without a report are measured by the model and the data that are given."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem.checkpoints.reading import UnusableCheckpoint
from lightning_infomem.measurement import measure
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from tests.checkpoints.checkpoint_files import save_checkpoint

DATA = torch.randn(64, 4, generator=torch.Generator().manual_seed(1)).split(16)


def _network(seed=0, width=8):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 6), nn.ReLU(), nn.Linear(6, 2))


def _save(path, network):
    return save_checkpoint(path, None, state_dict=network.state_dict())


def test_the_report_is_that_of_the_network_in_the_checkpoint(tmp_path):
    trained, given = _network(1), _network(0)
    before = {name: value.clone() for name, value in given.state_dict().items()}
    report = OfflineMeasurement(given, DATA, bins=20)(_save(tmp_path / "a.ckpt", trained))
    expected = measure(trained, DATA, bins=20)
    for name in ("0", "2"):
        assert torch.equal(report[name].mutual_information, expected[name].mutual_information)
        assert torch.equal(report[name].entropy, expected[name].entropy)
    # The user's own network keeps its weights.
    assert all(torch.equal(value, before[name]) for name, value in given.state_dict().items())


def test_layers_forward_and_settings_reach_the_measurement(tmp_path):
    batches = [{"inputs": batch} for batch in DATA]
    measurement = OfflineMeasurement(
        _network(), batches, layers=["2"], forward=lambda model, batch: model(batch["inputs"]), max_samples=32
    )
    report = measurement(_save(tmp_path / "a.ckpt", _network(1)))
    assert [layer.name for layer in report.layers] == ["2"]
    assert report["2"].num_samples == 32


def test_a_function_may_build_the_model_from_the_checkpoint(tmp_path):
    def build(checkpoint):
        network = _network(width=checkpoint["width"])
        network.load_state_dict(checkpoint["state_dict"])
        return network

    path = save_checkpoint(tmp_path / "a.ckpt", None, state_dict=_network(1, width=5).state_dict(), width=5)
    assert OfflineMeasurement(build, DATA)(path)["0"].width == 5


def test_another_architecture_is_unusable_and_says_which_weights_do_not_fit(tmp_path):
    path = _save(tmp_path / "a.ckpt", _network(width=5))
    with pytest.raises(UnusableCheckpoint, match=r"do not fit the model given \(.*size mismatch for 0\.weight"):
        OfflineMeasurement(_network(), DATA)(path)
    path = _save(tmp_path / "b.ckpt", nn.Sequential(_network(), nn.Linear(2, 2)))
    with pytest.raises(
        UnusableCheckpoint, match=r"do not fit the model given \(.*Missing key.*pass the module that was"
    ):
        OfflineMeasurement(_network(), DATA)(path)


def test_a_checkpoint_without_weights_is_unusable(tmp_path):
    path = save_checkpoint(tmp_path / "a.ckpt", None, state_dict=None)
    with pytest.raises(UnusableCheckpoint, match="has no 'state_dict'"):
        OfflineMeasurement(_network(), DATA)(path)


def test_a_sharded_checkpoint_is_unusable_with_the_command_that_makes_one_file_of_it(tmp_path):
    (tmp_path / "a.ckpt").mkdir()
    torch.save({}, tmp_path / "a.ckpt" / "meta.pt")
    with pytest.raises(UnusableCheckpoint, match="consolidate_checkpoint"):
        OfflineMeasurement(_network(), DATA)(tmp_path / "a.ckpt")


def test_a_diverged_network_is_unusable(tmp_path):
    network = _network()
    nn.init.constant_(network[0].weight, torch.nan)
    with pytest.raises(UnusableCheckpoint, match="cannot be measured"):
        OfflineMeasurement(_network(), DATA)(_save(tmp_path / "a.ckpt", network))


@pytest.mark.parametrize(
    ("model", "data", "settings", "kind", "message"),
    [
        (nn.Linear, DATA, {}, TypeError, "of a class pass an instance"),
        (3, DATA, {}, TypeError, "a torch module, or a function"),
        (_network(), iter(DATA), {}, TypeError, "gone through once for every checkpoint.*got tuple_iterator"),
        (_network(), 3, {}, TypeError, "data: batches"),
        (_network(), DataLoader(TensorDataset(DATA[0]), shuffle=True), {}, ValueError, "shuffle=False"),
        (_network(), DATA, {"bins": 0}, ValueError, "bins: a whole number >= 1"),
        (_network(), DATA, {"neighbours": 3}, TypeError, "neighbours: .* nearest: neighbors"),
    ],
)
def test_mistakes_are_raised_before_any_checkpoint_is_loaded(model, data, settings, kind, message):
    with pytest.raises(kind, match=message):
        OfflineMeasurement(model, data, **settings)


def test_a_function_that_builds_no_model_is_a_mistake(tmp_path):
    with pytest.raises(TypeError, match="has to return a torch module, it returned NoneType"):
        OfflineMeasurement(lambda checkpoint: None, DATA)(_save(tmp_path / "a.ckpt", _network()))
