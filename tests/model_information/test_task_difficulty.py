from __future__ import annotations

import copy
import json
import math
import random

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem.model_information import (
    CodelengthSettings,
    TaskDifficulty,
    TaskRun,
    information_transfer,
    task_difficulty,
)
from lightning_infomem.model_information.labeled_data import LabeledData
from lightning_infomem.model_information.learner import trained
from tests.model_information.clusters import SETTINGS, clusters, make_model, unrelated

TASKS = {"clean": (clusters(), clusters(seed=1)), "random": (unrelated(), unrelated(seed=1))}
QUICK = {**SETTINGS, "max_epochs": 2, "blocks": (20, 100)}


class Classifier(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.network = make_model()

    def forward(self, inputs):
        return self.network(inputs)

    def training_step(self, batch, batch_idx):
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.3)


@pytest.fixture(scope="module")
def measured():
    random_state, numpy_state, state = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    result = task_difficulty(make_model, TASKS, **SETTINGS)
    assert random.getstate() == random_state
    assert np.array_equal(np.random.get_state()[1], numpy_state)
    assert torch.equal(torch.get_rng_state(), state)
    return result


def test_random_labels_are_no_information_within_the_seeds_and_clean_ones_are_much(measured):
    clean, shuffled = measured.to_records()
    assert abs(shuffled["bits"]) <= shuffled["bits_spread"]
    assert clean["bits"] - clean["bits_spread"] > shuffled["bits"] + shuffled["bits_spread"]
    assert clean["bits"] > 10 * abs(shuffled["bits"])


def test_accuracy_and_confidence_are_those_of_the_trained_model(measured):
    clean, shuffled = measured.to_records()
    assert clean["accuracy"] > 0.8
    assert clean["confidence"] > 0.7
    assert abs(shuffled["accuracy"] - 0.25) < 0.15
    assert shuffled["confidence"] < 0.3


def test_a_run_is_the_information_transfer_of_its_seed(measured):
    training, held_out = TASKS["clean"]
    settings = CodelengthSettings(**SETTINGS, seed=1)
    torch.manual_seed(1)
    initial = make_model()
    final = trained(initial, LabeledData.of(training, settings), settings)
    run = measured.of("clean")[1]
    assert run.bits == information_transfer(initial, final, held_out, **SETTINGS, seed=1).bits
    probabilities = final(held_out[0]).detach().double().softmax(1).sort(dim=1, descending=True)
    right = (probabilities.indices[:, 0] == held_out[1]).double().mean()
    assert run.accuracy == pytest.approx(float(right))
    assert run.confidence == pytest.approx(float((probabilities.values[:, 0] - probabilities.values[:, 1]).mean()))


def test_records_have_mean_and_interval_over_the_seeds_and_each_value_is_kept(measured, tmp_path):
    record = measured.to_records()[0]
    bits = [run.bits for run in measured.of("clean")]
    assert len(set(bits)) == 3
    assert record["bits"] == pytest.approx(np.mean(bits))
    # Student's t of three values: 4.30265 standard errors.
    assert record["bits_spread"] == pytest.approx(4.30265 * np.std(bits, ddof=1) / math.sqrt(3), rel=1e-5)
    assert record["seeds"] == "0, 1, 2"
    saved = json.loads(measured.save(tmp_path / "result.json").read_text())
    assert [run["bits"] for run in saved["runs"] if run["task"] == "clean"] == bits
    assert saved["settings"]["max_epochs"] == 8
    assert "seed" not in saved["settings"]
    assert "confidence" in str(measured)


def test_the_same_seeds_give_the_same_and_another_another():
    tasks = {"clean": TASKS["clean"]}
    once = task_difficulty(make_model, tasks, seeds=(3,), **QUICK)
    torch.rand(7)
    assert task_difficulty(make_model, tasks, seeds=(3,), **QUICK) == once
    assert task_difficulty(make_model, tasks, seeds=(4,), **QUICK).runs[0].bits != once.runs[0].bits


def test_lightning_modules_loaders_and_pairs_with_a_loss_are_measured_and_not_changed():
    given, other = Classifier(), (make_model(), nn.functional.cross_entropy)
    before = [copy.deepcopy(each.state_dict()) for each in (given, other[0])]
    loaders = tuple(DataLoader(TensorDataset(*part), batch_size=60) for part in TASKS["clean"])
    for model in (given, other):
        runs = task_difficulty(lambda model=model: model, {"clean": loaders}, seeds=[0], **QUICK).runs
        assert [(run.task, run.seed) for run in runs] == [("clean", 0)]
        assert runs[0].accuracy > 0.25
    for state, each in zip(before, (given, other[0]), strict=True):
        assert all(torch.equal(value, state[name]) for name, value in each.state_dict().items())


def test_what_is_not_finite_is_null_in_json():
    saved = json.loads(TaskDifficulty((TaskRun("a", 0, math.inf),)).to_json())
    assert saved["runs"] == [{"task": "a", "seed": 0, "bits": None, "accuracy": None, "confidence": None}]


@pytest.mark.parametrize(
    ("change", "fault", "message"),
    [
        ({"tasks": 3}, TypeError, "tasks: a mapping from names to pairs .* give {'name'"),
        ({"tasks": {}}, ValueError, r"tasks: 1 or more are required, got \[\]"),
        (
            {"tasks": {"mine": clusters()}},
            TypeError,
            r"tasks\['mine'\]: .* required, got \['Tensor', 'Tensor'\]; split the",
        ),
        ({"tasks": {"mine": 3}}, TypeError, r"tasks\['mine'\]: .* required, got int"),
        ({"make_model": make_model()}, TypeError, "(?s)make_model: a function .*; give a class, or lambda: Network"),
        ({"seeds": ()}, ValueError, r"seeds: one or more different seeds are required, got \(\)"),
        ({"seeds": (1, 1)}, ValueError, "different seeds are required"),
        ({"seeds": 3}, TypeError, "seeds: a sequence .* got int 3"),
        ({"seeds": (-1,)}, ValueError, "seeds: a whole number >= 0"),
        ({"seed": 1}, TypeError, r"got a single seed 1 among the settings; give seeds=\[...\]"),
        ({"epochs": 1}, TypeError, "epochs"),
        (
            {"tasks": {"mine": ((torch.rand(50, 20), torch.arange(50) % 6),) * 2}},
            ValueError,
            "task 'mine': data: labels from 0 to 3 are required",
        ),
        (
            {"tasks": {"mine": (clusters(), (torch.rand(50, 20), torch.arange(50) % 6))}},
            ValueError,
            "task 'mine': data: labels from 0 to 3 are required",
        ),
        ({"tasks": {"mine": (clusters(), clusters(4))}}, ValueError, "task 'mine': data: at least 5 samples"),
    ],
)
def test_wrong_input_is_refused(change, fault, message):
    given = {"make_model": make_model, "tasks": TASKS, "seeds": (0,), **QUICK, **change}
    with pytest.raises(fault, match=message):
        task_difficulty(given.pop("make_model"), given.pop("tasks"), **given)
