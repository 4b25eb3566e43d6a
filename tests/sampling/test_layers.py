from collections import OrderedDict

import pytest
import torch
from torch import nn

from lightning_infomem.sampling.layers import clean_name, find_head, select_layers


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.second(self.first(x).relu())


def mlp():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2))


def test_auto_takes_the_linear_outputs_of_an_mlp_and_leaves_the_head_out():
    assert list(select_layers(mlp(), "auto")) == ["0", "2"]


def test_auto_takes_linear_layers_inside_small_sequentials_of_one_weight_layer_each():
    model = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(3)], nn.Linear(4, 2))
    assert list(select_layers(model, "auto")) == ["0.0", "1.0", "2.0"]


def test_auto_takes_the_blocks_of_a_residual_network():
    model = nn.Sequential(
        OrderedDict(stem=nn.Conv2d(1, 4, 3), layers=nn.Sequential(Residual(4), Residual(4)), head=nn.Linear(4, 2))
    )
    assert list(select_layers(model, "auto")) == ["layers.0", "layers.1"]


def test_auto_takes_the_outermost_of_nested_blocks_as_the_stages_of_a_resnet():
    model = nn.Module()
    model.stem = nn.Conv2d(3, 4, 3)
    model.layer1 = nn.Sequential(Residual(4), Residual(4))
    model.layer2 = nn.Sequential(Residual(4), Residual(4))
    model.fc = nn.Linear(4, 2)
    assert list(select_layers(model, "auto")) == ["layer1", "layer2"]


def test_auto_takes_the_layers_of_a_transformer_encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.Sequential(OrderedDict(embed=nn.Embedding(10, 8), encoder=nn.TransformerEncoder(layer, 3)))
    assert list(select_layers(model, "auto")) == [f"encoder.layers.{i}" for i in range(3)]


def test_auto_measures_a_linear_model_rather_than_nothing():
    assert list(select_layers(nn.Sequential(nn.Linear(4, 2)), "auto")) == ["0"]


def test_auto_refuses_a_model_without_weights():
    with pytest.raises(ValueError, match=r'layers: "auto" needs .* has none'):
        select_layers(nn.Sequential(nn.ReLU()), "auto")


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
    assert list(select_layers(compiled, "auto")) == ["0", "2"]


def test_auto_sees_the_weight_layers_of_other_packages():
    class Matrix(nn.Module):
        """As GPT-2 has them."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4, 4))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.after = Matrix(), Matrix()

    model = nn.Sequential(nn.Embedding(5, 4), Block(), Block(), nn.Linear(4, 5, bias=False))
    assert list(select_layers(model, "auto")) == ["1", "2"]


def test_the_head_is_the_last_linear_layer_unless_it_is_measured():
    model = mlp()
    assert find_head(model, select_layers(model, "auto")) is model[4]
    assert find_head(model, {"4": model[4]}) is None
    assert find_head(nn.Sequential(nn.Conv2d(1, 2, 3)), {}) is None
    blocks = nn.ModuleDict({"encoder": nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), "head": nn.Linear(4, 2)})
    assert find_head(blocks, {"encoder": blocks["encoder"]}) is blocks["head"]
    assert find_head(nn.Sequential(nn.Linear(4, 4)), {"whole": nn.Sequential(nn.Linear(4, 4))}) is not None
