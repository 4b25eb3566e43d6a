"""Training and measuring of the paper's networks: records, and what is done again and what is not."""

import json
from dataclasses import asdict

import pytest
import torch
from torch import nn

from examples.paper import study
from examples.paper.classifier import Classifier, accuracy, predictions
from examples.paper.colored_mnist import EXPERIMENT as COLORED
from examples.paper.experiment import Recipe
from examples.paper.measures import NETWORK, measure_network, sample_network
from examples.paper.registry import EXPERIMENTS, find_experiment
from examples.paper.shuffled_mnist import EXPERIMENT as SHUFFLED
from examples.paper.study import Sizes, read_records, record_path, run, run_all
from lightning_infomem.functional import binned_entropy, pairwise_mutual_information
from lightning_infomem.functional.released_code import entropy as released_entropy
from lightning_infomem.functional.released_code import mean_information, pairwise_information
from tests.examples.paper.files import write_mnist

SIZES = Sizes(max_samples=40, max_units=8, epochs=1)
FLOAT32 = 1e-6  # a unit's value hangs on the batch it is computed in


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    write_mnist(folder, 200, part="t10k")
    return folder


@pytest.fixture(scope="module")
def record(mnist):
    return run(COLORED, 1.0, 0, SIZES, mnist)


def entry(record, **wanted):
    (found,) = [each for each in record["measures"] if all(each[name] == value for name, value in wanted.items())]
    return found


def test_a_record_holds_all_that_tables_need_and_survives_json(record):
    assert json.loads(json.dumps(record)) == record
    assert (record["experiment"], record["level"], record["seed"]) == ("colored-mnist", 1.0, 0)
    assert 0 <= record["extrinsic"]["validation_accuracy"] <= 1
    assert set(record["versions"]) == {"lightning-infomem", "torch", "pytorch-lightning", "numpy"}
    assert record["recipe"]["epochs"] == 1
    assert record["examples"] == {"train": 160, "validation": 40}
    assert all(value > 0 for value in record["norms"].values() if value is not None)


def test_the_same_seed_gives_the_same_record(record, mnist):
    again = run(COLORED, 1.0, 0, SIZES, mnist)
    assert again["measures"] == record["measures"]
    assert again["probe"] == record["probe"]


def test_measures_are_those_of_the_package_by_every_preset(mnist):
    data = SHUFFLED.make_data(mnist, 0.5, 0)
    network = SHUFFLED.make_network(data, 0)
    found = measure_network(network, SHUFFLED, data, 40, 8)
    samples, probe = sample_network(network, SHUFFLED, data, 40, 8)
    assert found["probe"] == probe
    layer = "layers.linear2"
    values = samples[layer]
    off_diagonal = ~torch.eye(8, dtype=torch.bool)
    ours = pairwise_mutual_information(values)[off_diagonal].mean().item()
    released = mean_information(pairwise_information(values))
    before = {"layer": layer, "values": "before"}
    for preset, information in (("default", ours), ("paper", ours), ("released_code", released)):
        measured = entry(found, preset=preset, **before)["mutual_information"]
        assert measured == pytest.approx(information, abs=FLOAT32)
    own_range = binned_entropy(values).mean().item()
    assert entry(found, preset="paper", **before)["entropy"] == pytest.approx(own_range, abs=FLOAT32)
    everything = torch.cat(list(samples.values()), dim=1)
    span = (everything.min().item(), everything.max().item())
    common = released_entropy(values, value_range=span).mean().item()
    assert entry(found, preset="released_code", **before)["entropy"] == pytest.approx(common, abs=FLOAT32)
    after = entry(found, preset="paper", layer=layer, values="after")
    assert after["entropy"] == pytest.approx(binned_entropy(values.relu()).mean().item(), abs=FLOAT32)


def test_of_the_network_the_paper_takes_pairs_across_layers_and_the_package_means_of_layers(mnist):
    data = SHUFFLED.make_data(mnist, 0.5, 0)
    network = SHUFFLED.make_network(data, 0)
    found = measure_network(network, SHUFFLED, data, 40, 8)
    samples, _ = sample_network(network, SHUFFLED, data, 40, 8)
    together = pairwise_information(torch.cat(list(samples.values()), dim=1))
    whole = entry(found, preset="released_code", layer=NETWORK)
    assert whole["mutual_information"] == pytest.approx(mean_information(together), abs=FLOAT32)
    layers = [entry(found, preset="default", layer=name, values="before")["entropy"] for name in samples]
    own = entry(found, preset="default", layer=NETWORK, values="before")
    assert own["entropy"] == pytest.approx(sum(layers) / 3, abs=1e-12)


def test_what_is_recorded_is_not_done_again_and_another_size_is_a_record_of_its_own(record, tmp_path, monkeypatch):
    def refuse(*given, **named):
        raise AssertionError("trained again")

    for level in COLORED.levels:
        path = record_path("colored-mnist", level, 0, SIZES, tmp_path)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({**record, "level": level}))
    monkeypatch.setattr(study, "run", refuse)
    assert list(run_all([COLORED], [0], SIZES, None, tmp_path, workers=1)) == [False] * 5
    assert len(read_records(COLORED, [0, 1], SIZES, tmp_path)) == 5
    assert read_records(COLORED, [0], Sizes(**{**asdict(SIZES), "max_units": 9}), tmp_path) == []


def test_an_interrupted_study_goes_on_with_what_is_missing(record, mnist, tmp_path):
    for level in COLORED.levels[1:]:
        path = record_path("colored-mnist", level, 0, SIZES, tmp_path)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({**record, "level": level}))
    path = record_path("colored-mnist", COLORED.levels[0], 0, SIZES, tmp_path)
    path.with_suffix(".unfinished").write_text('{"half')
    assert list(run_all([COLORED], [0], SIZES, mnist, tmp_path, workers=1)) == [False] * 4 + [True]
    assert len(read_records(COLORED, [0], SIZES, tmp_path)) == 5
    assert list(run_all([COLORED], [0], SIZES, mnist, tmp_path, workers=1)) == [False] * 5


def test_records_of_other_data_are_refused(record, tmp_path):
    for level, probe in ((0.0, "a"), (0.25, "b")):
        path = record_path("colored-mnist", level, 0, SIZES, tmp_path)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({**record, "level": level, "probe": probe}))
    with pytest.raises(ValueError, match=r"measured on the same inputs are required, .* seed 0, .* another folder"):
        read_records(COLORED, [0], SIZES, tmp_path)


def test_an_unknown_experiment_is_named():
    with pytest.raises(ValueError, match=r"experiment: one of sentiment-adjectives, .* is required, got 'mnist'"):
        find_experiment("mnist")
    with pytest.raises(ValueError, match="experiment: one of sentiment-adjectives, shuffled-imdb, bias-in-bios is"):
        find_experiment("colored-mnist@distilbert-base-uncased")
    assert all(name == experiment.name for name, experiment in EXPERIMENTS.items())


def test_the_penalty_is_the_sum_of_squares_of_all_parameters():
    network = nn.Linear(3, 2)
    batch = (torch.randn(4, 3), torch.tensor([0, 1, 1, 0]))
    plain, penalized = (
        Classifier(network, Recipe(1, 4, 1e-3, l2_weight=weight)).training_step(batch, 0) for weight in (0.0, 0.5)
    )
    squares = sum(each.square().sum() for each in network.parameters())
    assert (penalized - plain).item() == pytest.approx(0.5 * squares.item(), rel=1e-5)


def test_one_logit_is_the_log_odds_of_the_second_class():
    network = nn.Linear(1, 1)
    with torch.no_grad():
        network.weight.fill_(2.0)
        network.bias.zero_()
    batches = [(torch.tensor([[1.0], [-1.0], [3.0]]), torch.tensor([1, 1, 1]))]
    assert predictions(network, batches)[0].tolist() == [1, 0, 1]
    assert accuracy(network, batches) == pytest.approx(2 / 3)
    loss = Classifier(network, Recipe(1, 3, 1e-3)).training_step(batches[0], 0)
    odds = torch.tensor([2.0, -2.0, 6.0])
    assert loss.item() == pytest.approx(float(-odds.sigmoid().log().mean()), rel=1e-5)


def test_the_rate_rises_over_the_warm_up():
    network = Classifier(nn.Linear(2, 2), Recipe(1, 4, 0.1, optimizer="adamw", warmup_steps=10))
    chosen = network.configure_optimizers()
    optimizer, schedule = chosen["optimizer"], chosen["lr_scheduler"]["scheduler"]
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(12):
        optimizer.step()
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates[0] == pytest.approx(0.01)
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(0.1)
