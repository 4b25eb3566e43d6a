"""Weights fit a network that calls them by other names, if all of them do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_infomem.checkpoints.weight_names import load_weights
from tests.networks import Classifier


def _network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 2))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight


def _same(first, second):
    return all(torch.equal(value, other) for value, other in zip(first.values(), second.values(), strict=True))


@pytest.mark.parametrize("prefix", ["model.", "network.inner.", "module.", "_orig_mod.", "model._orig_mod."])
def test_a_prefix_that_all_names_have_is_taken_off(prefix):
    trained, given = _network(1), _network(0)
    load_weights(given, {prefix + name: value for name, value in trained.state_dict().items()})
    assert _same(given.state_dict(), trained.state_dict())


def test_a_prefix_that_all_names_lack_is_put_on():
    trained, given = _network(1), Classifier(_network(0))
    load_weights(given, trained.state_dict())
    assert _same(given.network.state_dict(), trained.state_dict())


def test_compiled_parts_on_either_side_make_no_difference():
    plain, compiled = _network(1), _network(0)
    compiled[0] = torch.compile(compiled[0])
    assert "0._orig_mod.weight" in compiled.state_dict()
    load_weights(compiled, plain.state_dict())
    assert _same(compiled.state_dict(), plain.state_dict())
    target = _network(0)
    load_weights(target, compiled.state_dict())
    assert _same(target.state_dict(), plain.state_dict())
    whole = torch.compile(_network(0))
    load_weights(whole, plain.state_dict())
    assert _same(whole.state_dict(), plain.state_dict())


def test_of_tied_weights_one_is_enough():
    network = Tied()
    load_weights(network, {"model.embedding.weight": torch.ones(5, 3)})
    assert bool((network.head.weight == 1).all())


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: {f"model.{name}": value for name, value in weights.items()} | {"loss.weight": torch.ones(2)},
        lambda weights: {f"model.{name}": value for name, value in list(weights.items())[1:]},
        lambda weights: {name.replace("0.", "first."): value for name, value in weights.items()},
        lambda weights: weights | {f"model.{name}": value for name, value in weights.items()},
        lambda weights: weights | {f"_orig_mod.{name}": value for name, value in weights.items()},
        lambda weights: {},
    ],
)
def test_where_not_all_names_fit_exactly_it_is_an_error(change):
    with pytest.raises(RuntimeError, match="in loading state_dict for Sequential"):
        load_weights(_network(0), change(dict(_network(1).state_dict())))


def test_another_shape_is_an_error():
    with pytest.raises(RuntimeError, match=r"size mismatch for 0\.weight"):
        load_weights(_network(), {**_network().state_dict(), "0.weight": torch.zeros(3, 3)})
