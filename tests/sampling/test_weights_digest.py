"""The digest by which a report is recognised as that of some weights."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from lightning_infomem.sampling.weights_digest import differing_weights, non_finite_weights, weights_digest
from tests.networks import mlp, resnet


def wide():
    """Its second layer is too large to be digested as a whole."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 128), nn.BatchNorm1d(128), nn.Linear(128, 256), nn.Linear(256, 3))


def test_the_weights_of_a_network_are_its_own():
    model = wide()
    digest = weights_digest(model)
    assert digest.shape == (8, 2)
    assert torch.equal(digest, weights_digest(copy.deepcopy(model)))
    assert differing_weights(model.state_dict(), digest) == []


@pytest.mark.parametrize("name", ["0.weight", "2.weight", "2.bias", "1.weight"])
@pytest.mark.parametrize("change", [lambda values: values.nextafter(values + 1), lambda values: values.flip(0)])
def test_the_last_bit_and_the_order_of_values_count(name, change):
    model = wide()
    nn.init.normal_(model[1].weight)
    weights = model.state_dict()
    weights[name] = change(weights[name])
    assert differing_weights(weights, weights_digest(model)) == [name]


def test_another_shape_and_another_type_are_other_weights():
    model = mlp()
    digest = weights_digest(model)
    weights = {name: values.clone() for name, values in model.state_dict().items()}
    weights["0.weight"] = weights["0.weight"].T
    weights["2.weight"] = weights["2.weight"].half()
    assert differing_weights(weights, digest) == ["0.weight", "2.weight"]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_every_type_of_weights_is_digested(dtype):
    model = wide().to(dtype)
    digest = weights_digest(model)
    assert differing_weights(model.state_dict(), digest) == []
    model[2].weight.data.mul_(2)
    assert differing_weights(model.state_dict(), digest) == ["2.weight"]


def test_memory_layout_and_wrappers_do_not_matter():
    model = resnet()
    digest = weights_digest(model)
    assert torch.equal(weights_digest(copy.deepcopy(model).to(memory_format=torch.channels_last)), digest)
    assert torch.equal(weights_digest(torch.compile(model, backend="eager")), digest)
    large = nn.Conv2d(64, 64, 3)
    last = copy.deepcopy(large).to(memory_format=torch.channels_last)
    assert not last.weight.is_contiguous()
    assert torch.equal(weights_digest(last), weights_digest(large))


def test_buffers_and_what_is_missing_do_not_count():
    model = wide()
    digest, weights = weights_digest(model), model.state_dict()
    weights["1.running_mean"] = weights["1.running_mean"] + 1
    weights["metrics.best"] = torch.ones(3)
    del weights["0.weight"]  # frozen, for instance
    assert differing_weights(weights, digest) == []


def test_a_teacher_that_follows_later_does_not_count():
    model = nn.ModuleDict({"student": mlp(), "teacher": mlp().requires_grad_(False)})
    digest = weights_digest(model)
    nn.init.ones_(model["teacher"][0].weight)
    assert differing_weights(model.state_dict(), digest) == []
    nn.init.ones_(model["student"][0].weight)
    assert differing_weights(model.state_dict(), digest) == ["student.0.weight"]
    assert weights_digest(model["teacher"]) is not None  # where nothing is trained, all count


def test_names_may_have_lost_or_got_a_prefix():
    model = wide()
    digest = weights_digest(model)
    weights = {f"model.{name}": values for name, values in model.state_dict().items()}
    assert differing_weights(weights, digest) == []
    weights["model.2.weight"] = weights["model.2.weight"] + 1
    assert "model.2.weight" in differing_weights(weights, digest)


def test_what_is_no_weight_is_never_other():
    digest = weights_digest(mlp())
    assert differing_weights({}, digest) == []
    assert differing_weights({"0.weight": "no tensor", "extra": {"a": 1}, "count": torch.tensor(3)}, digest) == []
    assert weights_digest(nn.ReLU()) is None


def test_sharded_weights_have_no_digest():
    model = nn.ModuleDict({"_fsdp_wrapped_module": mlp()})
    assert weights_digest(model) is None


def test_random_numbers_are_left_alone():
    model, before = wide(), torch.get_rng_state()
    weights_digest(model)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("name", ["0.weight", "2.weight", "1.running_var"])
def test_weights_that_are_not_finite_are_named(name, value):
    weights = wide().state_dict()
    assert non_finite_weights(weights) == []
    weights[name][0] = value
    assert non_finite_weights(weights) == [name]


def test_masks_and_extremes_not_met_yet_may_be_infinite():
    mask = torch.full((5, 5), -torch.inf).triu(1)
    assert non_finite_weights({"mask": mask, "best": torch.tensor(torch.inf), "large": torch.full((9,), 3e38)}) == []
