"""The untrained control is the same network with weights that are drawn anew from a seed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_infomem.checkpoints.reading import UnusableCheckpoint
from lightning_infomem.measurement import measure
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.offline.untrained import reset_parameters
from tests.checkpoints.checkpoint_files import save_checkpoint

DATA = torch.randn(40, 4, generator=torch.Generator().manual_seed(1)).split(20)


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.full((6,), 3.0))

    def forward(self, inputs):
        return inputs * self.factor


def _network(seed=0, *more):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), *more, nn.ReLU(), nn.Linear(6, 2))


def test_the_control_depends_on_the_seed_alone_and_the_model_stays_as_it_is():
    given = _network(5)
    before = {name: value.clone() for name, value in given.state_dict().items()}
    first = OfflineMeasurement(given, DATA).control(3)
    assert torch.equal(OfflineMeasurement(_network(9), DATA).control(3)["0"].entropy, first["0"].entropy)
    assert not torch.equal(OfflineMeasurement(given, DATA).control(4)["0"].entropy, first["0"].entropy)
    assert not torch.equal(measure(given, DATA)["0"].entropy, first["0"].entropy)
    assert all(torch.equal(value, before[name]) for name, value in given.state_dict().items())


def test_no_other_random_number_is_changed():
    network = _network()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    reset_parameters(network, 0)
    assert torch.equal(torch.rand(3), expected)


def test_every_kind_of_layer_of_torch_is_reset():
    layers = [nn.TransformerEncoderLayer(4, 2, 8), nn.LSTM(4, 4), nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3)]
    network = nn.ModuleList([*layers, nn.Embedding(3, 4)])
    for parameter in network.parameters():
        nn.init.constant_(parameter, 7.0)
    network[3].running_mean.fill_(7.0)
    assert reset_parameters(network, 0) is None
    assert not any(bool((parameter == 7.0).any()) for parameter in network.parameters())
    assert not network[3].running_mean.any()


class Block(nn.Module):
    """Begins as zero, which its layer alone would not."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def reset_parameters(self):
        nn.init.zeros_(self.layer.weight)


def test_what_a_block_does_with_its_layers_lasts():
    network = nn.Sequential(Block())
    assert network[0].layer.weight.any()
    reset_parameters(network, 0)
    assert not network[0].layer.weight.any()
    assert network[0].layer.bias.any()


def test_parameters_that_cannot_be_reset_are_noted_once():
    measurement = OfflineMeasurement(_network(0, Scale()), DATA)
    for _ in range(2):
        measurement.control()
    assert measurement.notes == [
        "untrained control: modules without reset_parameters (Scale: '1'); these keep their values"
    ]


def test_of_a_function_the_first_checkpoint_that_loads_gives_the_network(tmp_path):
    (tmp_path / "a.ckpt").write_text("no checkpoint")
    path = save_checkpoint(tmp_path / "b.ckpt", None, state_dict=_network(1).state_dict())
    shared = _network()

    def build(checkpoint):
        shared.load_state_dict(checkpoint["state_dict"])
        return shared

    expected = OfflineMeasurement(_network(), DATA).control(2)
    measurement = OfflineMeasurement(build, DATA)
    with pytest.raises(UnusableCheckpoint, match="requires a checkpoint that can be loaded, got none"):
        measurement.control(2)
    report = measurement.control(2, checkpoints=[tmp_path / "a.ckpt", path])
    assert torch.equal(report["0"].entropy, expected["0"].entropy)
    measurement(path)
    assert torch.equal(measurement.control(2)["0"].entropy, expected["0"].entropy)
    # The network that the function holds is not the one that was reset.
    assert all(torch.equal(value, _network(1).state_dict()[name]) for name, value in shared.state_dict().items())


def test_the_control_is_kept_next_to_the_first_checkpoint(tmp_path):
    path = save_checkpoint(tmp_path / "a.ckpt", None, state_dict=_network(1).state_dict())
    measurement = OfflineMeasurement(_network(), DATA)
    measurement(path)
    for _ in range(2):
        measurement.control()
    assert len(list((tmp_path / ".infomem").glob("*.report"))) == 2


def test_a_seed_is_a_whole_number():
    with pytest.raises(TypeError, match="seed: a whole number"):
        OfflineMeasurement(_network(), DATA).control("one")
