"""Ablation of components: the published tables, laws, and what is refused."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from lightning_infomem.model_information import InformationAblation, information_ablation, information_transfer
from lightning_infomem.model_information.model_components import count_parameters, find_components
from tests.networks import Classifier

PUBLISHED = json.loads((Path(__file__).parents[1] / "data" / "published_model_information.json").read_text())
SHORT = {"blocks": (20, 100), "max_epochs": 3, "learning_rate": 1e-2, "progress": False}


class Network(nn.Module):
    """Two blocks of a linear layer and batch norm, a head, a parameter of its own, and a buffer that is not saved."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*(nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.ReLU()) for _ in range(2)))
        self.head = nn.Linear(6, 3)
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("shift", torch.zeros(6), persistent=False)

    def forward(self, x):
        return self.head(self.blocks(x * self.scale + self.shift))


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(120) % 3
    return torch.eye(6)[labels] + 0.5 * torch.randn(120, 6, generator=generator), labels


def with_other_weights(network, seed=1):
    """As after a training that moved everything, buffers included."""
    other, generator = copy.deepcopy(network), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in (*other.parameters(), *other.buffers()):
            if value.is_floating_point():
                value += torch.rand(value.shape, generator=generator)
    return other


@pytest.fixture
def pair():
    torch.manual_seed(0)
    initial = Network()
    return initial, with_other_weights(initial)


@pytest.mark.parametrize("table", ["modelinfo_table8_layers", "modelinfo_table9_blocks"])
def test_the_published_bits_per_parameter_follow_from_the_published_bits(table):
    rows = PUBLISHED[table]
    whole = rows[-1] if rows[-1][0] == "all" else ["all", 5900, 219482, None]
    parts = [row for row in rows if row[0] != "all"]
    result = InformationAblation(
        {name: count for name, _, count, _ in parts},
        torch.tensor([[bits for _, bits, _, _ in parts]], dtype=torch.float64),
        torch.tensor([whole[1]], dtype=torch.float64),
        whole[2],
        (0,),
        {},
    )
    *records, summed, total = result.to_records()
    for record, (name, bits, count, printed) in zip(records, parts, strict=True):
        assert (record["component"], record["bits"], record["num_parameters"]) == (name, bits, count)
        assert round(record["bits_per_parameter"], 3) == printed
    if whole[3] is not None:
        assert round(total["bits_per_parameter"], 3) == whole[3]
    assert summed["bits"] == sum(bits for _, bits, _, _ in parts) != total["bits"]


def test_a_network_that_is_set_back_as_a_whole_is_the_initial_one_buffers_included(pair, data):
    initial, final = pair
    everything = {"everything": ["blocks", "head"]}
    known = information_transfer(initial, final, data, **SHORT).bits
    assert known != 0
    final.scale.data.copy_(initial.scale)  # no module but the network itself holds these two
    final.shift.copy_(initial.shift)
    result = information_ablation(initial, final, data, everything, **SHORT)
    assert result.bits[0, 0] == result.whole_bits[0] == information_transfer(initial, final, data, **SHORT).bits != 0

    layers = nn.Sequential(*Network().blocks, nn.Linear(6, 3))
    moved = with_other_weights(layers)
    result = information_ablation(layers, moved, data, {"everything": "*"}, **SHORT)
    assert result.bits[0, 0] == result.whole_bits[0] == information_transfer(layers, moved, data, **SHORT).bits != 0


def test_a_component_that_did_not_change_loses_exactly_nothing(pair, data):
    initial, final = pair
    final.blocks[0].load_state_dict(initial.blocks[0].state_dict())
    result = information_ablation(initial, final, data, ["blocks.0", "blocks.1"], **SHORT)
    assert result.bits[0, 0] == 0
    assert result.bits[0, 1] != 0


def test_a_component_whose_buffers_alone_changed_loses_bits(data):
    torch.manual_seed(0)
    initial = Network()
    final = copy.deepcopy(initial)
    final.blocks[0][1].running_mean.fill_(20.0)  # all units of the first block are dead, but in the first epoch
    result = information_ablation(initial, final, data, ["blocks.0", "head"], **SHORT)
    assert result.bits[0, 0] == result.whole_bits[0] < 0
    assert result.bits[0, 1] == 0


def test_the_bits_are_those_of_the_transfer_to_the_final_model_less_those_to_the_ablated(pair, data):
    initial, final = pair
    result = information_ablation(initial, final, data, ["head"], **SHORT)
    whole = information_transfer(initial, final, data, **SHORT).bits
    ablated = copy.deepcopy(final)
    ablated.head.load_state_dict(initial.head.state_dict())
    assert result.whole_bits[0] == whole
    assert result.bits[0, 0] == whole - information_transfer(initial, ablated, data, **SHORT).bits


def test_what_the_network_holds_itself_is_a_component_of_its_own(pair):
    _, final = pair
    found = find_components(final, "children")
    assert found == {
        "blocks": ["blocks.0.0", "blocks.0.1", "blocks.1.0", "blocks.1.1"],
        "head": ["head"],
        "own parameters": [""],
    }
    assert {name: count_parameters(final, owners) for name, owners in found.items()} == {
        "blocks": 2 * (42 + 12),
        "head": 21,
        "own parameters": 1,
    }


@pytest.mark.parametrize(
    ("network", "names"),
    [
        (Classifier(nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))), ["network.0", "network.2"]),
        (nn.Sequential(nn.Linear(6, 3), nn.Softmax(1)), ["0"]),
        (nn.Sequential(nn.Sequential(nn.Linear(6, 3))), ["0.0"]),
        (nn.Linear(6, 3), ["own parameters"]),
    ],
)
def test_the_children_are_those_of_the_first_network_that_has_several(network, names):
    assert list(find_components(network, "children")) == names


@pytest.mark.parametrize(
    ("components", "counts"),
    [
        ("blocks.*", {"blocks.0": 54, "blocks.0.0": 42, "blocks.0.1": 12}),
        (["blocks.?", nn.Linear], {"blocks.0": 54, "blocks.0.0": 42, "blocks.1": 54, "blocks.1.0": 42, "head": 21}),
        ({"first": "blocks.0", "rest": ["blocks.1", "head"]}, {"first": 54, "rest": 75}),
        ({"linear": nn.Linear, "twice": ["head", "hea*"]}, {"linear": 2 * 42 + 21, "twice": 21}),
    ],
)
def test_components_are_found_by_patterns_and_groups_of_them(components, counts):
    network = Network()
    found = {name: count_parameters(network, owners) for name, owners in find_components(network, components).items()}
    assert counts.items() <= found.items()
    if isinstance(components, dict):
        assert found == counts
    assert not any(name.endswith(".2") for name in found)  # an activation has nothing to set back


def test_parameters_that_are_shared_count_once():
    network = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    network[1].weight = network[0].weight
    found = find_components(network, {"both": "*"})
    assert count_parameters(network, found["both"]) == 36 + 6 + 6


def test_models_and_random_generators_are_left_as_they_were(pair, data):
    before = [copy.deepcopy(each.state_dict()) for each in pair]
    state = torch.get_rng_state()
    information_ablation(*((each, nn.functional.cross_entropy) for each in pair), data, "head", **SHORT)
    assert torch.equal(torch.get_rng_state(), state)
    for each, values in zip(pair, before, strict=True):
        assert all(torch.equal(value, values[name]) for name, value in each.state_dict().items())


def of_run(seed, bits, whole, **change):
    given = {"components": {"a": 10, "b": 40}, "num_parameters": 60, "settings": {"blocks": "orgad"}} | change
    return InformationAblation(
        given["components"],
        torch.tensor([bits], dtype=torch.float64),
        torch.tensor([whole], dtype=torch.float64),
        given["num_parameters"],
        (seed,),
        given["settings"],
    )


def test_runs_are_joined_to_means_and_intervals_next_to_the_sum_and_the_whole():
    joined = InformationAblation.joined([of_run(0, [10.0, 80.0], 70.0), of_run(4, [30.0, 80.0], 90.0)])
    first, second, summed, whole = joined.to_records()
    # Student's t of one degree of freedom at 97.5 %, times half the distance of two values.
    assert first == {
        "component": "a",
        "bits": 20,
        "bits_spread": pytest.approx(12.7062 * 10, rel=1e-5),
        "num_parameters": 10,
        "bits_per_parameter": 2,
        "bits_per_parameter_spread": pytest.approx(12.7062, rel=1e-5),
        "seeds": "0, 4",
    }
    assert (second["bits"], second["bits_spread"], second["bits_per_parameter"]) == (80, 0, 2)
    assert (summed["component"], summed["bits"], summed["num_parameters"]) == ("(sum)", 100, 50)
    assert (whole["component"], whole["bits"], whole["num_parameters"]) == ("(whole)", 80, 60)
    text = str(joined)
    assert text.index("(sum)") < text.index("(whole)")


def test_a_component_without_parameters_has_no_bits_a_parameter():
    result = of_run(0, [5.0, 0.0], 5.0, components={"a": 0, "b": 1})
    assert math.isnan(result.to_records()[0]["bits_per_parameter"])


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"num_parameters": 61}, "num_parameters: 60 in 'run 0' but 61 in 'run 1'"),
        ({"components": {"a": 10, "c": 40}}, r"components: \[a 10, b 40\] in 'run 0' but \[a 10, c 40\]"),
        ({"settings": {"blocks": "voita"}}, "settings.blocks: 'orgad' in 'run 0' but 'voita' in 'run 1'"),
    ],
)
def test_runs_that_are_not_alike_are_not_joined(other, field):
    with pytest.raises(ValueError, match=f"runs: what was measured alike is required, got a difference in {field}"):
        InformationAblation.joined([of_run(0, [1.0, 2.0], 3.0), of_run(1, [1.0, 2.0], 3.0, **other)])


def test_no_runs_are_not_joined():
    with pytest.raises(ValueError, match="runs: at least one ablation is required, got none"):
        InformationAblation.joined([])


@pytest.mark.parametrize(
    ("components", "kind", "message"),
    [
        ("blokcs", ValueError, "components: layers: a name or pattern .* got 'blokcs'; nearest: 'blocks'"),
        ("blocks.?.2", ValueError, "components: modules with parameters or buffers are required, got none in str"),
        ({"a": "head", "b": "blocks.0.2"}, ValueError, "got none in 'b'; give other patterns"),
        ({}, ValueError, "components: modules with parameters or buffers are required, got none in dict"),
        ([], ValueError, "components: layers: at least one pattern is required"),
        ([3], TypeError, "components: layers: names, patterns or module types are required, got int 3"),
    ],
)
def test_components_that_are_none_are_refused(pair, data, components, kind, message):
    with pytest.raises(kind, match=message):
        information_ablation(*pair, data, components, **SHORT)


def test_two_networks_are_refused(data):
    with pytest.raises(ValueError, match="final: the same parameters as initial are required"):
        information_ablation(nn.Linear(6, 3), nn.Linear(6, 4), data, **SHORT)
