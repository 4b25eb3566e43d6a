from __future__ import annotations

import pytest
import torch
from torch import nn

from examples.information_plane import szt_training
from examples.information_plane.szt import szt_data
from examples.information_plane.szt_training import (
    LAYERS,
    LORENZEN,
    SHWARTZ_ZIV,
    NetworkStack,
    Variant,
    build,
    learnt_rows,
    moments,
    train,
)

FLOATS = Variant("floats", nn.Tanh, SHWARTZ_ZIV)
ROUNDED = Variant("rounded", nn.Tanh, LORENZEN, bits=8)
PREFITTED = Variant("prefitted", nn.ReLU, SHWARTZ_ZIV, prefit=1)


def weights(network):
    return torch.cat([value.flatten() for value in network.parameters()])


def test_moments_are_dense_at_first_and_hold_both_ends():
    assert moments(20) == [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20]
    assert moments(9) == [0, 1, 2, 3, 4, 5, 6, 8, 9]


def test_initial_weights_are_those_of_the_authors():
    before = torch.random.get_rng_state()
    first = torch.cat([build(FLOATS, seed).get_submodule("to hidden 1").weight for seed in range(40)])
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.shape == (400, 12)
    assert first.abs().max() <= 2 * 12**-0.5
    assert first.std().item() * 12**0.5 == pytest.approx(0.88, abs=0.02)  # of a normal cut at two deviations
    network = build(FLOATS, 3)
    assert all(not value.any() for name, value in network.named_parameters() if name.endswith("bias"))
    assert torch.equal(weights(network), weights(build(FLOATS, 3)))
    assert not torch.equal(weights(network), weights(build(FLOATS, 4)))
    assert network(torch.ones(1, 12)).sum().item() == pytest.approx(1)


def test_each_network_learns_a_share_of_its_own():
    first, second = learnt_rows(FLOATS, 0), learnt_rows(FLOATS, 1)
    assert len(set(first.tolist())) == len(first) == int(0.85 * 4096)
    assert len(learnt_rows(ROUNDED, 0)) == int(0.8 * 4096)
    assert set(first.tolist()) != set(second.tolist())


@pytest.mark.parametrize("variant", [FLOATS, ROUNDED, PREFITTED], ids=lambda variant: variant.name)
def test_a_network_is_trained_next_to_others_as_if_alone(variant):
    alone, beside = train([variant], [1], 2)[0][0], train([variant], [0, 1, 2], 2)[0][1]
    assert [epoch for epoch, _ in alone] == [0, 1, 2]
    for (_, one), (_, twin) in zip(alone, beside, strict=True):
        torch.testing.assert_close(weights(one), weights(twin), rtol=0, atol=1e-4)
    assert (weights(alone[0][1]) - weights(alone[-1][1])).abs().max() > 1e-3
    is_initial = torch.equal(weights(alone[0][1]), weights(build(variant, 1)))
    assert is_initial == (variant.prefit == 0)


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
def test_rounded_networks_learn_in_a_stack_what_each_learns_alone(activation):
    """In float64, in which no value lies so near the middle of two codes that the order of a sum decides."""
    variants = [Variant("rounded", activation, LORENZEN, bits=bits) for bits in (4, 8, 4)]
    inputs, labels = szt_data()
    batches = torch.randperm(4096, generator=torch.Generator().manual_seed(0)).split(256)[:4]
    stack = NetworkStack([build(each, seed).double() for seed, each in enumerate(variants)], variants)
    optimizer = torch.optim.Adam([*stack.weights, *stack.biases], 0.01)
    for rows in batches:
        optimizer.zero_grad()
        stack.loss(inputs[rows].double().expand(3, -1, -1), labels[rows].expand(3, -1)).backward()
        optimizer.step()
    for seed, together in enumerate(stack.copies()):
        alone = build(variants[seed], seed).double()
        initial = weights(alone).clone()
        optimizer = torch.optim.Adam(alone.parameters(), 0.01)
        for rows in batches:
            optimizer.zero_grad()
            outputs = alone(inputs[rows].double())
            nn.functional.nll_loss(outputs.clamp_min(1e-7).log(), labels[rows]).backward()
            optimizer.step()
        assert (weights(alone) - initial).abs().max() > 0.01
        torch.testing.assert_close(weights(together), weights(alone), rtol=0, atol=1e-9)
        ranges = [torch.stack([each.low, each.high]) for each in alone.quantizers]
        torch.testing.assert_close([torch.stack([each.low, each.high]) for each in together.quantizers], ranges)
        codes, expected = together.measure_codes([inputs]), alone.measure_codes([inputs])
        assert list(codes) == list(LAYERS)
        assert all(torch.equal(codes[layer], expected[layer]) for layer in LAYERS)


def test_variants_that_are_trained_together_come_back_apart():
    few = Variant("few bits", nn.Tanh, LORENZEN, bits=2)
    together = train([ROUNDED, few], [4, 5], 1)
    for courses, variant in zip(together, [ROUNDED, few], strict=True):
        for seed, course in zip([4, 5], courses, strict=True):
            assert torch.equal(weights(course[0][1]), weights(build(variant, seed)))
            assert int(course[-1][1].measure_codes([szt_data()[0]])["hidden 1"].max()) == 2**variant.bits - 1
    apart = train([few], [5], 1)[0][0]
    torch.testing.assert_close(weights(together[1][1][-1][1]), weights(apart[-1][1]), rtol=0, atol=1e-4)
    assert not torch.allclose(weights(together[0][1][-1][1]), weights(apart[-1][1]), rtol=0, atol=1e-4)


def test_labels_are_shuffled_before_epoch_0_the_same_way_each_time(monkeypatch):
    seen = []

    class Watched(NetworkStack):
        def loss(self, inputs, labels):
            seen.append(dict(zip((tuple(row.tolist()) for row in inputs[0].int()), labels[0].tolist(), strict=True)))
            return super().loss(inputs, labels)

    monkeypatch.setattr(szt_training, "NetworkStack", Watched)
    train([Variant("prefitted", nn.Tanh, SHWARTZ_ZIV, prefit=2)], [0], 1)
    inputs, labels = szt_data()
    truth = dict(zip((tuple(row.tolist()) for row in inputs.int()), labels.tolist(), strict=True))
    steps = len(seen) // 3
    first, second, true = (
        {key: value for step in part for key, value in step.items()}
        for part in (seen[:steps], seen[steps : 2 * steps], seen[2 * steps :])
    )
    assert first == second
    agreeing = sum(truth[key] == value for key, value in first.items()) / len(first)
    assert 0.45 < agreeing < 0.55
    assert all(truth[key] == value for key, value in true.items())


def test_with_more_bits_than_floats_have_networks_learn_as_floats_and_are_rounded_when_measured():
    floats = train([Variant("floats", nn.Tanh, LORENZEN)], [0], 1)[0][0][-1][1]
    rounded = train([Variant("rounded", nn.Tanh, LORENZEN, bits=32)], [0], 1)[0][0][-1][1]
    assert torch.equal(weights(floats), weights(rounded))
    codes = rounded.measure_codes([szt_data()[0]])["output"]
    assert (int(codes.min()), int(codes.max())) == (0, 2**32 - 1)
