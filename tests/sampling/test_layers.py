from collections import OrderedDict

import pytest
import torch
from torch import nn

from lightning_infomem.sampling.layers import clean_name, select_layers


def mlp():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2))


def test_names_patterns_and_types_are_found_in_the_order_of_the_network():
    model = mlp()
    assert list(select_layers(model, "2")) == ["2"]
    assert list(select_layers(model, ["4", "0"])) == ["0", "4"]
    assert list(select_layers(model, "[02]")) == ["0", "2"]
    assert list(select_layers(model, nn.ReLU)) == ["1", "3"]
    assert list(select_layers(model, [nn.ReLU, "0"])) == ["0", "1", "3"]


def test_an_unmatched_pattern_lists_the_nearest_names():
    model = nn.Sequential(OrderedDict(encoder=nn.Linear(2, 2), decoder=nn.Linear(2, 2)))
    with pytest.raises(ValueError, match=r"got 'encodr'; nearest: 'encoder', 'decoder'"):
        select_layers(model, "encodr")


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [([], ValueError, "at least one pattern"), ([3], TypeError, "names, patterns"), (nn.LSTM, ValueError, "got LSTM")],
)
def test_other_mistakes_have_a_message(layers, error, message):
    with pytest.raises(error, match=message):
        select_layers(mlp(), layers)


def test_names_of_wrappers_are_removed():
    assert clean_name("_orig_mod.encoder._fsdp_wrapped_module.0") == "encoder.0"
    compiled = torch.compile(mlp())
    assert list(select_layers(compiled, nn.Linear)) == ["0", "2", "4"]
