"""Features of a function, or of a layer of a network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_infomem.offline.encoder import encoder_of

BATCH = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))


def _network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


def test_a_function_is_taken_as_it_is():
    assert encoder_of(torch.sin, None) is torch.sin
    assert encoder_of(None, None) is None


def test_a_name_is_a_layer_of_the_network_with_the_weights_that_it_has():
    network = _network()
    found = encoder_of("0", network)(BATCH)
    assert found.shape == (8, 6)
    assert torch.allclose(found, network[0](BATCH), atol=1e-6)


@pytest.mark.parametrize(
    ("features", "model", "kind", "message"),
    [
        (3, _network(), TypeError, "features: a function of a batch, or the name of a layer"),
        ("0", None, TypeError, "model: a module with a layer '0' is required for features"),
        ("0", lambda checkpoint: _network(), TypeError, "model: a module with a layer '0' is required"),
    ],
)
def test_what_is_no_encoder_is_refused(features, model, kind, message):
    with pytest.raises(kind, match=message):
        encoder_of(features, model)


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"^features: the name of a layer of model is required, got '9'; nearest: '0'"):
        encoder_of("9", _network())


def test_a_layer_that_the_batch_does_not_run_through_is_refused():
    network = _network()
    network.add_module("unused", nn.Linear(4, 2))
    found = encoder_of("unused", network, lambda model, batch: model[:3](batch))
    with pytest.raises(ValueError, match=r"^features: a layer with values for each example is required, got 'unused'"):
        found(BATCH)
