"""A zoo judged in every way, from checkpoints whose accuracies are known, and from a small sweep."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import torch

from examples.choosing.judging import judge_zoo
from examples.choosing.summary import markdown
from examples.choosing.zoos import RankedZoo, zoos_of_sweeps
from lightning_infomem.sampling.batches import mark_examples, parts_of
from tests.checkpoints.checkpoint_files import make_predictions, make_report, save_checkpoint
from tests.examples.choosing.small_sweep import make_small, train_small

TRUTH = torch.arange(400) % 4
INPUTS = torch.nn.functional.one_hot(TRUTH, 4) + 0.1 * torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
MARKS = mark_examples(parts_of(INPUTS), 400, torch.arange(400))[:, 0]
PLACES = MARKS.argsort()
# Points by which the networks a to e lose: 0, 10, 20, 30, 40; a mean of 20.
ACCURACY = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6, "e": 0.5}


def save(folder, name, accuracy):
    """A checkpoint that errs at random on so many of the inputs."""
    generator = torch.Generator().manual_seed(int(100 * accuracy))
    wrong = torch.rand(400, generator=generator) > accuracy
    other = (TRUTH + torch.randint(1, 4, (400,), generator=generator)) % 4
    predictions = make_predictions(
        torch.where(wrong, other, TRUTH)[PLACES], num_classes=4, inputs=MARKS[PLACES], places=PLACES
    )
    report = make_report({"fc1": accuracy}, predictions=predictions, probe="probe")
    return save_checkpoint(folder / f"{name}.ckpt", report)


def never(checkpoint):
    raise AssertionError("every checkpoint carries its report")


def make_zoo(folder, names="abcde", **fields):
    labelled = {
        name: {
            "clean_accuracy": ACCURACY[name],
            "validation_accuracy": 1 - ACCURACY[name],  # the wrong way round
            "validation_loss": 1 - ACCURACY[name],
            "train_loss": max(0.2, 1 - ACCURACY[name]),  # the two best share the lowest
            "recipe": {"epochs": 10},
        }
        for name in names
    }
    known = {
        "name": "zoo",
        "family": "made up",
        "replicate": 0,
        "is_sweep": True,
        "has_shortcut": False,
        "kind": "example",
        "files": [save(folder, name, ACCURACY[name]) for name in names],
        "references": [save(folder / "references", name, 0.95) for name in ("r", "s")],
        "model": never,
        "batches": lambda: list(INPUTS.split(100)),
        "training": lambda: [(INPUTS + 0.01, TRUTH)],
        "truth": TRUTH.numpy(),
        "labelled": labelled,
    }
    return RankedZoo(**{**known, **fields})


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    return judge_zoo(make_zoo(folder), folder / "reports")


def test_baselines_lose_what_their_choice_loses(judged):
    assert (judged["networks"], judged["best"]) == (5, 0.9)
    assert judged["random"] == pytest.approx(20)
    found = {name: (each["tau"], each["lost"]) for name, each in judged["baselines"].items()}
    assert found["last epoch"] == pytest.approx((0, 20))  # all alike: a random pick
    assert found["noisy validation accuracy"] == pytest.approx((-1, 40))
    assert found["noisy validation loss"] == pytest.approx((1, 0))
    # Nine of ten pairs in order, and one tie: 9 / sqrt(9 * 10). Half of the choices is b.
    assert found["training loss"] == pytest.approx((9 / 90**0.5, 5))


def test_each_way_is_ranked_by_what_it_is_given(judged):
    by_way = Counter(each["way"] for each in judged["rankings"])
    assert by_way == {"reference": 2, "training": 1, "nothing": 1, "kind": 1, "20 labels": 1}
    assert {each["way"]: each["criterion"] for each in judged["rankings"]} == {
        "reference": "reference_agreement",
        "training": "neighbor_agreement",
        **dict.fromkeys(("nothing", "kind", "20 labels"), "consensus_accuracy"),
    }
    for each in judged["rankings"]:
        assert (each["tau"], each["lost"], each["set_holds"]) == (pytest.approx(1), pytest.approx(0), True)
        assert 0.5 < each["p_best"] == each["p_most"] <= 1
        assert each["set_size"] in (0.2, 0.4, 0.6)
        assert each["doubts"] in ([], ["validation_disagrees"])


def test_every_criterion_is_judged_where_nothing_or_the_kind_is_told(judged):
    known = {each["way"]: each["criteria"] for each in judged["rankings"] if "criteria" in each}
    assert sorted(known) == ["kind", "nothing"]
    assert known["nothing"]["consensus_accuracy"] == pytest.approx({"tau": 1, "lost": 0})
    # More mutual information is better where examples are stored, and has no direction where nothing is told.
    assert known["kind"]["mutual_information"] == pytest.approx({"tau": 1, "lost": 0})
    assert "mutual_information" not in known["nothing"]


def test_the_record_is_plain_and_makes_tables(judged):
    assert json.loads(json.dumps(judged)) == judged
    assert "| zoo | 5 | 0.900 | 20.0 |" in markdown([judged])


def test_what_is_not_known_is_not_ranked(tmp_path):
    zoo = make_zoo(tmp_path, "ab", kind=None, training=None, truth=None, references=[])
    [ranking] = judge_zoo(zoo, tmp_path / "reports")["rankings"]
    assert (ranking["way"], ranking["criterion"]) == ("nothing", None)
    assert "a consensus needs 3 checkpoints or more" in ranking["refusal"]


def test_a_small_sweep_is_measured_judged_and_judged_again_alike(tmp_path, monkeypatch):
    sweep = make_small(monkeypatch)
    [zoo] = zoos_of_sweeps(tmp_path, train_small(sweep, tmp_path))
    first = judge_zoo(zoo, tmp_path / "reports")
    assert [each["way"] for each in first["rankings"]] == ["reference", "reference", "training", "nothing", "20 labels"]
    accuracy = np.array(list(zoo.accuracy.values()))
    assert first["random"] == pytest.approx(100 * (accuracy.max() - accuracy.mean()))
    possible = 100 * (accuracy.max() - accuracy)
    for each in first["rankings"]:
        assert -1 <= each["tau"] <= 1
        assert np.abs(possible - each["lost"]).min() < 1e-9 or "shared_first_rank" in each["doubts"]
    monkeypatch.setattr("lightning_infomem.offline.offline_measurement.measure", never)
    assert judge_zoo(zoo, tmp_path / "reports") == first
