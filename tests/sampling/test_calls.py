import gc
import weakref

import pytest
import torch
from torch import nn

from lightning_infomem.sampling.calls import CallRecorder
from tests.networks import num_hooks


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.late, self.early, self.unused = nn.Linear(3, 2), nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, inputs):
        hidden = self.early(inputs)
        return self.late(hidden), self.early(hidden + 1)


def record(model, batch, see=None):
    with CallRecorder(model, see) as recorder:
        model(batch)
    return recorder


def test_calls_are_in_the_order_of_their_starts_and_name_the_first():
    model = Net()
    recorder = record(model, torch.randn(4, 3))
    assert [call.name for call in recorder.calls()] == ["", "early", "late"]
    root, early, late = recorder.calls()
    assert early.parent is late.parent is root
    assert early.is_within(root)
    assert early.shapes == ((4, 3),)
    assert early.outputs == late.inputs
    assert recorder.is_consumed(early.outputs[0], early)
    assert not recorder.is_consumed(late.outputs[0], late)
    assert num_hooks(model) == 0


def test_keyword_arguments_are_inputs_too():
    class Keywords(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, inputs):
            return self.second(input=self.first(inputs))

    _, first, second = record(Keywords(), torch.randn(4, 3)).calls()
    assert first.outputs == second.inputs


def test_other_networks_and_failed_calls_are_not_recorded():
    model, other = Net(), nn.Linear(3, 3)
    with CallRecorder(model) as recorder:
        other(torch.randn(4, 3))
        with pytest.raises(RuntimeError):
            model.early(torch.randn(4, 99))
        model.late(torch.randn(4, 3))
    assert [call.name for call in recorder.calls()] == ["late"]


def test_a_fault_of_ours_stops_the_recording_and_not_the_network():
    def see(call, output):
        raise ValueError("ours")

    recorder = record(Net(), torch.randn(4, 3), see)
    assert str(recorder.fault) == "ours"
    assert num_hooks(Net()) == 0


def test_a_recorder_keeps_no_tensor_alive():
    model, kept = Net(), []
    record(model, torch.randn(4, 3), lambda call, output: kept.append(weakref.ref(output)) if call.name else None)
    gc.collect()
    assert [reference() for reference in kept] == [None, None]
