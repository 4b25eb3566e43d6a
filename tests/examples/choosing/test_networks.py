import pytest
import torch
from torch import nn

from examples.choosing.networks import build_network
from examples.choosing.sweeps import SWEEPS

FIRST = {sweep.data: sweep for sweep in reversed(SWEEPS)}


@pytest.mark.parametrize("sweep", FIRST.values(), ids=FIRST.keys())
def test_networks_fit_their_inputs_and_classes(sweep):
    size = sweep.base.input_size
    shape = (size,) if isinstance(size, int) else (size[0], size[1], size[1])
    network = build_network(sweep.base)
    assert network(torch.zeros(2, *shape)).shape == (2, sweep.num_classes)
    assert {layer.p for layer in network if isinstance(layer, nn.Dropout)} == {sweep.base.dropout}
