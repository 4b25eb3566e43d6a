import torch
from torch import nn

from lightning_infomem.sampling.blocks import find_blocks, may_be_block
from lightning_infomem.sampling.calls import CallRecorder


class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, inputs):
        return inputs + self.second(self.first(inputs).relu())


class Stage(nn.Module):
    """Runs its parts one after another, or each on its input."""

    def __init__(self, parallel=False):
        super().__init__()
        self.parts, self.parallel = nn.ModuleList([Part(), Part()]), parallel

    def forward(self, inputs):
        if self.parallel:
            return sum(part(inputs) for part in self.parts)
        for part in self.parts:
            inputs = part(inputs)
        return inputs


def blocks(model):
    with CallRecorder(model) as recorder:
        model(torch.randn(3, 4))
    return [call.name for call in find_blocks(recorder.calls(), recorder.calls())]


def test_a_stage_that_runs_a_list_is_no_block_and_one_with_parallel_parts_is():
    assert blocks(nn.Sequential(Stage(), Stage())) == ["0.parts.0", "0.parts.1", "1.parts.0", "1.parts.1"]
    assert blocks(nn.Sequential(Stage(parallel=True), Stage(parallel=True))) == ["0", "1"]


def test_containers_layers_and_single_modules_are_no_blocks():
    plain = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    assert blocks(nn.Sequential(plain, nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)))) == []
    assert blocks(nn.Sequential(Part(), nn.Linear(4, 4))) == []
    assert may_be_block(Part())
    assert not may_be_block(plain)
    assert not may_be_block(nn.MultiheadAttention(4, 2))


def test_an_entry_of_a_list_needs_no_twin_that_is_hidden():
    model = nn.Sequential(Part(), Part())
    with CallRecorder(model) as recorder:
        model(torch.randn(3, 4))
    called = recorder.calls()
    hidden = [call for call in called if not call.name.startswith("1")]
    assert [call.name for call in find_blocks(hidden, called)] == ["0"]
