"""Similarity of domains: the published tables, laws, and what is refused."""

from __future__ import annotations

import io
import json
import math
import re
import sys
from itertools import product
from pathlib import Path

import pytest
import torch
from rich.console import Console
from sklearn.datasets import load_digits
from torch import nn

from lightning_infomem.model_information import DomainSimilarity, domain_similarity, information_transfer
from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.labeled_data import LabeledData
from lightning_infomem.model_information.learner import trained

PUBLISHED = json.loads((Path(__file__).parents[1] / "data" / "published_model_information.json").read_text())
SHORT = {"blocks": (15, 40, 100), "max_epochs": 6, "learning_rate": 1e-2, "progress": False}


def of_bits(bits, names=None):
    distances = torch.zeros_like(bits[0])
    names = names or tuple(map(str, range(bits.shape[1])))
    return DomainSimilarity(tuple(names), bits, distances, distances, tuple(range(len(bits))), {})


def linear():
    return nn.Linear(4, 4)


def four_classes(order=(0, 1, 2, 3)):
    """Inputs that tell their class, under a permutation of the names of classes."""
    labels = torch.arange(4).repeat(25)
    return torch.eye(4)[labels], torch.tensor(order)[labels]


@pytest.mark.parametrize("table", ["modelinfo_table5_office31", "modelinfo_table6_officehome"])
def test_the_published_similarities_follow_from_the_published_bits(table):
    published = PUBLISHED[table]
    printed = torch.tensor(published["table(L(MT,T)-L(MS,T); diagonal L(MT,T))"], dtype=torch.float64)
    own = printed.diagonal()
    bits = own - printed  # rows are sources, columns targets: what is missing of the target's own
    bits.diagonal().copy_(own)
    result = of_bits(bits[None], published["domains"])
    for name, derived in {
        "similarity": "derived_S_eq4",
        "unidirectional_similarity": "derived_Suni_eq5",
        "symmetric_similarity": "derived_S_symmetrised_meanL",
    }.items():
        expected = torch.tensor(published[derived], dtype=torch.float64)
        assert (getattr(result, name)[0].round(decimals=6) - expected).abs().max() < 1e-12  # printed to 6 digits
        rows = [[row[name] for row in result.to_records() if row["source"] == each] for each in published["domains"]]
        assert rows == getattr(result, name)[0].tolist()


def test_a_domain_is_as_similar_to_itself_as_can_be_whatever_its_bits():
    # Between 1000 and 2000, so that no share is of nothing.
    bits = 1000 + 1000 * torch.rand(5, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    result = of_bits(bits)
    for values in (result.similarity, result.unidirectional_similarity, result.symmetric_similarity):
        assert (values.diagonal(dim1=1, dim2=2) == 1).all()
    assert (result.symmetric_similarity == result.symmetric_similarity.mT).all()


def test_a_share_of_nothing_is_not_known():
    bits = torch.tensor([[[100.0, 50], [20, 0]], [[100, 250], [20, 100]]], dtype=torch.float64)
    result = of_bits(bits)
    assert result.unidirectional_similarity[0].isnan().tolist() == [[False, True], [False, True]]
    assert result.similarity.isnan().tolist() == [[[False, False], [False, True]], [[False, True], [False, False]]]
    (row,) = [row for row in result.to_records() if (row["source"], row["target"]) == ("1", "1")]
    assert math.isnan(row["similarity"])
    assert row["bits"] == 50


@pytest.fixture(scope="module")
def subsets():
    """Digits: all classes, and the first five; the networks are the same."""
    inputs, labels = load_digits(return_X_y=True)
    inputs, labels = torch.tensor(inputs, dtype=torch.float32) / 16, torch.tensor(labels)
    parts = (inputs[:900], labels[:900]), (inputs[900:1500], labels[900:1500])
    few = tuple((rows[classes < 5], classes[classes < 5]) for rows, classes in parts)
    return domain_similarity(
        lambda: nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10)),
        {"all": parts, "low": few},
        seeds=(0, 1),
        **SHORT,
    )


def test_who_knows_all_classes_knows_those_of_a_subset_and_less_back(subsets):
    towards, back = subsets.unidirectional_similarity[:, 0, 1], subsets.unidirectional_similarity[:, 1, 0]
    assert ((towards > 0.75) & (towards < 1.25)).all()
    assert (back < 0.6).all()


def test_records_hold_means_intervals_and_seeds(subsets):
    rows = subsets.to_records()
    assert [(row["source"], row["target"]) for row in rows] == list(product(["all", "low"], repeat=2))
    first, second = subsets.bits[:, 0, 1].tolist()
    assert rows[1]["bits"] == pytest.approx((first + second) / 2)
    # Student's t of one degree of freedom at 97.5 % is 12.706; the deviation of two is half their distance times
    # the root of 2, and of their mean half the distance.
    assert rows[1]["bits_spread"] == pytest.approx(12.7062 * abs(first - second) / 2, rel=1e-5)
    assert (rows[0]["similarity"], rows[0]["similarity_spread"]) == (1, 0)
    assert {row["seeds"] for row in rows} == {"0, 1"}
    assert json.loads(subsets.to_json())["settings"]["max_epochs"] == 6
    assert "seed" not in subsets.settings


def test_the_bits_are_those_of_the_transfer_to_a_model_trained_on_the_source():
    domains = {"plain": (four_classes(),) * 2, "swapped": (four_classes((1, 0, 3, 2)),) * 2}
    result = domain_similarity(linear, domains, seeds=[3], **SHORT)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        initial = linear()
    settings = CodelengthSettings(**SHORT, seed=3)
    final = trained(initial, LabeledData.of(domains["plain"][0], settings), settings)
    expected = information_transfer(initial, final, domains["swapped"][1], **SHORT, seed=3)
    assert result.bits[0, 0, 1] == expected.bits
    assert result.bits[0, 0, 1] < 0 < result.bits[0, 0, 0]


def test_the_baselines_are_distances_of_the_moments_of_the_held_out_features():
    first, second = (four_classes()[0][:50] * scale for scale in (1.0, 3.0))
    labels = four_classes()[1][:50]
    domains = {"a": ((first, labels),) * 2, "b": ((second, labels), (second, labels))}
    result = domain_similarity(linear, domains, seeds=[0], **(SHORT | {"blocks": (100,)}))
    assert result.mean_distances[0, 1] == pytest.approx((first.mean(0) - second.mean(0)).norm().item())
    assert result.covariance_distances[1, 0] == pytest.approx((first.T.cov() - second.T.cov()).norm().item(), rel=1e-5)
    assert result.mean_distances.diagonal().tolist() == [0, 0]

    result = domain_similarity(
        linear, domains, features=lambda inputs: inputs[:, :1].abs(), seeds=[0], **(SHORT | {"blocks": (100,)})
    )
    assert result.mean_distances[0, 1] == pytest.approx(2 * first[:, 0].mean().item())


def test_random_generators_and_what_the_function_made_are_left_as_they_were():
    made = linear()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    state = torch.get_rng_state()
    domains = {"plain": (four_classes(),) * 2, "again": (four_classes(),) * 2}
    domain_similarity(lambda: made, domains, seeds=[0], **(SHORT | {"blocks": (50, 100), "max_epochs": 1}))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in made.state_dict().items())


DOMAINS = {"a": (four_classes(),) * 2, "b": (four_classes(),) * 2}


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"make_model": linear()}, TypeError, "make_model: a function that makes a model is"),
        ({"domains": [DOMAINS["a"]]}, TypeError, "domains: a mapping from names to .* is required, got list"),
        ({"domains": {"a": DOMAINS["a"]}}, ValueError, r"domains: 2 or more are required, got \['a'\]"),
        (
            {"domains": DOMAINS | {"c": four_classes()}},
            TypeError,
            r"domains\['c'\]: a pair .* got \['Tensor', 'Tensor'\]",
        ),
        (
            {"domains": DOMAINS | {"c": (four_classes(), four_classes((0, 1, 2, 9)))}},
            ValueError,
            r"domains\['c'\]: data: labels from 0 to 3 are required",
        ),
        (
            {"domains": DOMAINS | {"c": (four_classes(), (torch.eye(4), torch.arange(4)))}},
            ValueError,
            r"domains\['c'\]: data: at least 7 samples are required",
        ),
        ({"seeds": 3}, TypeError, "seeds: a sequence of whole numbers is required, got int 3"),
        ({"seeds": (1, 1)}, ValueError, r"seeds: one or more different seeds are required, got \(1, 1\)"),
        ({"seeds": ()}, ValueError, "seeds: one or more different seeds"),
        ({"seed": 0}, TypeError, "seed: the seeds of repetitions are required instead, got a single seed 0"),
        ({"features": lambda inputs: inputs.sum(1)}, ValueError, r"features: a tensor \[samples, units\]"),
        ({"features": lambda inputs: inputs.tolist()}, TypeError, "features: a real tensor"),
        ({"features": lambda inputs: torch.zeros(len(inputs), 9000)}, ValueError, "of 1 to 8,192 units is required"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_trained(monkeypatch, change, kind, message):
    # The package's name for the function hides the module of the same name.
    module = sys.modules[domain_similarity.__module__]
    monkeypatch.setattr(module, "trained", lambda *_: pytest.fail("trained"))
    given = {"make_model": linear, "domains": DOMAINS, "seeds": [0], **SHORT} | change
    with pytest.raises(kind, match=message):
        domain_similarity(given.pop("make_model"), given.pop("domains"), **given)


def test_domains_whose_features_differ_in_number_are_refused():
    network = nn.Sequential(nn.AdaptiveAvgPool1d(4), nn.Linear(4, 4))
    inputs, labels = four_classes()
    domains = DOMAINS | {"c": ((inputs.repeat(1, 2), labels),) * 2}
    with pytest.raises(ValueError, match=r"features: the same number of units .* is required, got \[4, 8\]"):
        domain_similarity(lambda: network, domains, seeds=[0], **SHORT)


def test_inputs_that_are_no_tensor_need_a_function_of_features():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 4)

        def forward(self, words):
            return self.head(words)

    inputs, labels = four_classes()
    rows = [{"words": each, "labels": label} for each, label in zip(inputs, labels, strict=True)]
    domains = {"a": (rows, rows), "b": (rows, rows)}
    short = SHORT | {"blocks": (100,), "seeds": [0]}
    with pytest.raises(TypeError, match=r"features: a function is required .* got entries \['words'\]"):
        domain_similarity(Words, domains, **short)
    assert domain_similarity(Words, domains, features=lambda words: words, **short).mean_distances.max() == 0


def test_the_printed_table_has_short_names_and_fits_a_terminal():
    bits = torch.tensor([[[300.0, 200], [90, 0]], [[310, 240], [80, 100]]], dtype=torch.float64)
    console = Console(width=80, file=io.StringIO())
    console.print(of_bits(bits, ("plain", "rotated")))
    head, _, _, row, *_, caption = console.file.getvalue().splitlines()
    assert head.split() == ["source", "target", "bits", "S", "S_uni", "means", "covariances"]
    # 12.706, Student's t of one degree of freedom, times half the distance of two values. Of the first seed S_uni is
    # not known.
    assert re.split(r"\s{2,}", row.strip()) == ["plain", "rotated", "220 ± 254", "1.71 ± 3.74", "-", "0", "0"]
    assert caption.strip() == "seeds 0, 1, ± 95 % interval; means, covariances: distances of features"
    assert "seed 1; means" in str(DomainSimilarity(("a",), bits[:1, :1, :1], bits[0], bits[0], (1,), {}))
