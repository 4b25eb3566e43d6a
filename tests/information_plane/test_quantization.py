"""Networks of finitely many values."""

from __future__ import annotations

import copy
import itertools
import math

import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lightning_infomem.information_plane import QuantizedExact, QuantizedNetwork
from lightning_infomem.information_plane.discrete import discrete_entropy, number_rows
from tests.networks import Classifier, dense, loader, mlp, num_hooks, trainer


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def random_mlp(widths, activation, seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = [(nn.Linear(*ends), activation()) for ends in itertools.pairwise(widths)]
    return nn.Sequential(*(part for pair in parts for part in pair))


@pytest.mark.parametrize("bits", [2, 3, 8, 16])
def test_outputs_are_the_nearest_of_the_values_and_codes_their_numbers(bits):
    network = QuantizedNetwork(nn.Sequential(nn.Identity()), "0", bits)
    inputs, steps = drawn(50, 3).double(), 2**bits - 1
    outputs, codes = network(inputs), network.codes["0"]
    assert (codes.dtype, codes.shape) == (torch.int64, inputs.shape)
    assert (int(codes.min()), int(codes.max())) == (0, steps)
    span = inputs.max() - inputs.min()
    torch.testing.assert_close(outputs, inputs.min() + codes * span / steps)
    assert float((outputs - inputs).abs().max()) <= float(span) / steps / 2 * (1 + 1e-9)


def test_equal_codes_are_equal_values_to_the_last_bit_while_training():
    network = QuantizedNetwork(nn.Sequential(nn.Identity()), "0", 3)
    inputs = drawn(4000, 1).mul(1000).requires_grad_()
    outputs = network(inputs)
    assert len(outputs.unique()) == len(network.codes["0"].unique()) == 8


def test_gradients_pass_within_the_range_and_not_beyond():
    network = QuantizedNetwork(nn.Sequential(nn.Identity()), "0", 2).eval()
    network(torch.tensor([[-1.0], [1.0]]))
    inputs = torch.tensor([[-2.0], [-0.5], [0.3], [1.5]], requires_grad=True)
    outputs = network(inputs)
    (outputs * torch.tensor([[1.0], [2.0], [3.0], [4.0]])).sum().backward()
    assert inputs.grad.flatten().tolist() == [0, 2, 3, 0]
    assert network.codes["0"].flatten().tolist() == [0, 1, 2, 3]
    assert outputs[[0, 3]].flatten().tolist() == [-1, 1]


def test_the_range_is_a_moving_average_in_training_and_stays_in_evaluation():
    network = QuantizedNetwork(nn.Sequential(nn.Identity()), "0", 2)
    quantizer = network.quantizers[0]
    network.eval()(torch.tensor([[-1.0], [1.0]]))
    network(torch.tensor([[-5.0], [9.0]]))
    assert (float(quantizer.low), float(quantizer.high)) == (-1, 1)
    network.train()(torch.tensor([[-2.0], [3.0]]))
    assert (float(quantizer.low), float(quantizer.high)) == pytest.approx((-1.01, 1.02), abs=1e-12)


def test_in_evaluation_the_codes_of_a_sample_do_not_depend_on_its_batch():
    network, inputs = QuantizedNetwork(random_mlp([4, 5, 3], nn.Tanh, 1), nn.Tanh, 4), drawn(64, 4)
    network(inputs)
    together, apart = (network.measure_codes(inputs.split(size)) for size in (64, 7))
    assert list(together) == ["1", "3"]
    for name in together:
        assert torch.equal(together[name], apart[name])
    assert together["3"].shape == (64, 3)


def test_measuring_changes_nothing_in_the_network():
    network = QuantizedNetwork(nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.Tanh()), "2", 4)
    network(drawn(5, 2))
    network.network[1].eval()
    modes, state = [module.training for module in network.modules()], copy.deepcopy(network.state_dict())
    codes = network.codes["2"]
    assert network.measure_codes([drawn(3, 2), drawn(4, 2)])["2"].shape == (7, 2)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert network.network[0].weight.dtype == torch.float32
    assert network.codes["2"] is codes


def test_rounding_alone_is_no_information():
    constant = torch.tensor([0.3]).repeat(50, 1)
    constant[::3] += 1e-7  # what a vectorised tanh may differ by from one row to another
    network = QuantizedNetwork(nn.Sequential(nn.Identity()), "0", 8)
    assert len(constant.unique()) == 2
    assert len(network(constant).unique()) == 1
    assert not network.codes["0"].any()


@pytest.mark.parametrize("bits", [8, 32])
def test_equal_rows_have_equal_codes_wherever_they_stand(bits):
    network = QuantizedNetwork(random_mlp([9, 1, 3], nn.Tanh, 0), nn.Tanh, bits)
    network(drawn(500, 9))
    # In float32 the processor's vectorised tanh gives the last of these rows another value: another code of 32 bits.
    for seed in range(5):
        codes = network.measure_codes([drawn(1, 9, seed=seed).repeat(53, 1)])
        assert [len(each.unique(dim=0)) for each in codes.values()] == [1, 1]


def check_plane(network, inputs, labels, bits):
    """Bounds, and the data-processing inequality, which hold exactly: each layer is a function of the one before."""
    codes = network.measure_codes([inputs])
    before_input, before_label, before = math.inf, math.inf, None
    for name, each in codes.items():
        point = QuantizedExact(bits).estimate(each, labels, inputs)
        highest = min(math.log(len(inputs)), each.shape[1] * bits * math.log(2), point.scores["input_entropy"])
        assert 0 <= point.input_information <= highest + 1e-12, name
        assert 0 <= point.label_information <= min(discrete_entropy(labels), point.input_information) + 1e-12, name
        assert point.input_information <= before_input + 1e-12, name
        assert point.label_information <= before_label + 1e-12, name
        assert point.input_kind == "exact", name
        if before is not None:
            both = number_rows(torch.cat([before, each], 1))
            assert len(both.unique()) == len(number_rows(before).unique()), f"{name} is no function of its predecessor"
        before_input, before_label, before = point.input_information, point.label_information, each
    return codes


@given(
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=6),
    bits=st.sampled_from([2, 3, 4, 8, 12, 24, 32]),
    activation=st.sampled_from([nn.Tanh, nn.ReLU, nn.Sigmoid]),
    weights=st.booleans(),
    samples=st.integers(2, 60),
    seed=st.integers(0, 2**16),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    steps=st.integers(0, 3),
)
def test_information_falls_from_layer_to_layer_within_its_bounds(
    widths, bits, activation, weights, samples, seed, scale, steps
):
    inner = random_mlp(widths, activation, seed)
    with torch.no_grad():
        for parameter in inner.parameters():
            parameter.mul_(scale)
    network = QuantizedNetwork(inner, activation, bits, weights=weights)
    inputs = drawn(samples, widths[0], seed=seed).round(decimals=1)  # some repeat in one dimension
    labels = torch.arange(samples) % 2
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        (network(inputs).mean(1) - labels).square().mean().backward()
        optimizer.step()
    codes = check_plane(network, inputs, labels, bits)
    assert len(codes) == len(widths) - 1


def test_32_bits_have_more_codes_than_float32_has_values():
    inputs = torch.linspace(1, 2, 2**12, dtype=torch.float64)[:, None]
    inputs[1] = 1 + 2**-31  # a step and a bit above the lowest, and nothing in float32
    network = QuantizedNetwork(nn.Sequential(nn.Identity()), "0", 32)
    outputs = network(inputs)
    codes = network.codes["0"].flatten()
    assert codes[:2].tolist() == [0, 2]
    assert codes.max() == 2**32 - 1
    assert len(outputs.unique()) == len(codes.unique())
    assert float((outputs - inputs).abs().max()) <= 2**-33 * 1.001
    fine, coarse = 1 + 2.0**-23, 1 + 2.0**-24
    single = torch.tensor([[1.0], [fine], [2.0]])
    assert network.eval()(single).flatten().tolist() == [1, fine, 2]
    assert network.codes["0"].flatten().tolist() == [0, 512, 2**32 - 1]  # no codes between: float32 has no values there
    assert network(torch.tensor([[coarse]], dtype=torch.float64)).item() == pytest.approx(coarse, abs=2**-32)


def test_tiny_outputs_have_all_codes():
    network = QuantizedNetwork(nn.Sequential(nn.Identity()), "0", 2)
    network(torch.linspace(0, 1e-30, 40)[:, None])
    assert network.codes["0"].unique().tolist() == [0, 1, 2, 3]


def test_a_constant_layer_has_one_code():
    network = QuantizedNetwork(nn.Sequential(nn.Identity()), "0", 8)
    assert network(torch.full((3, 2), 0.7)).tolist() == torch.full((3, 2), 0.7).tolist()
    assert network.eval()(torch.tensor([[0.0], [5.0]])).flatten().tolist() == pytest.approx([0.7, 0.7])
    assert network.codes["0"].flatten().tolist() == [0, 0]


def test_weights_are_rounded_too_where_asked_and_still_learn():
    network = QuantizedNetwork(random_mlp([6, 5, 4], nn.Tanh, 3), nn.Tanh, 2, weights=True)
    for layer in (network.network[0], network.network[2]):
        assert len(layer.weight.unique()) <= 4
        assert len(layer.bias.unique()) > 3
    network(drawn(10, 6)).sum().backward()
    gradient = network.network[0].parametrizations.weight.original.grad
    assert bool((gradient != 0).any())
    plain = QuantizedNetwork(random_mlp([6, 5, 4], nn.Tanh, 3), nn.Tanh, 2)
    assert len(plain.network[0].weight.unique()) == 30


def test_a_copy_has_quantizers_of_its_own():
    network = QuantizedNetwork(random_mlp([2, 3], nn.Tanh, 0), nn.Tanh, 2)
    twin = copy.deepcopy(network)
    assert not network.codes
    twin(drawn(5, 2))
    assert twin.codes
    assert not network.codes
    assert math.isnan(float(network.quantizers[0].low))


@pytest.mark.parametrize("weights", [False, True])
def test_lightning_trains_and_restores_it(tmp_path, weights):
    def build():
        torch.manual_seed(0)
        return Classifier(QuantizedNetwork(mlp(), nn.ReLU, 3, weights=weights))

    inputs = dense(96)
    module, saving = build(), pl.callbacks.ModelCheckpoint(tmp_path, filename="last")
    before = copy.deepcopy(module.state_dict())
    trainer(tmp_path, callbacks=[saving]).fit(module, loader(inputs), loader(inputs))
    assert not torch.equal(before["network.network.0.bias"], module.network.network[0].bias)
    twin = build()
    assert num_hooks(twin) == 2
    twin.load_state_dict(torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"])
    expected, restored = (each.network.measure_codes([inputs]) for each in (module, twin))
    assert list(expected) == ["1", "3"]
    for name, codes in expected.items():
        assert torch.equal(codes, restored[name])
        assert int(codes.max()) == 7
    check_plane(twin.network, inputs, torch.arange(96) % 3, 3)


@pytest.mark.parametrize(
    ("make", "fault", "message"),
    [
        (lambda: QuantizedNetwork(mlp(), "1", 1), ValueError, "bits: a whole number >= 2"),
        (lambda: QuantizedNetwork(mlp(), "1", 33), ValueError, "bits: at most 32 are required, got 33"),
        (lambda: QuantizedNetwork(mlp(), "7", 4), ValueError, "layers: a name or pattern"),
        (
            lambda: QuantizedNetwork(nn.Sequential(nn.Tanh()), "0", 4, weights=True),
            ValueError,
            "weights: .* Sequential",
        ),
        (lambda: QuantizedNetwork(nn.Sequential(nn.GRU(2, 2)), "0")(drawn(1, 2, 2)), TypeError, "^0: a float tensor"),
        (lambda: QuantizedNetwork(mlp(), "1")(drawn(2, 6) * math.nan), ValueError, "^1: finite outputs .* from nan"),
    ],
)
def test_faults_are_reported(make, fault, message):
    with pytest.raises(fault, match=message):
        make()
