"""Codes by networks that are trained on ever more labels: laws, forms of models and data, broken-off codings."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import lightning.pytorch
import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from lightning_infomem.model_information import model_information, prequential_codelength
from tests.model_information.killed_coding import BLOCKS_WRITTEN, STARTS, codelength
from tests.model_information.tasks import (
    QUICK,
    AdamClassifier,
    Constant,
    UnifiedAdamClassifier,
    network,
    same,
    separable,
    states,
)

QUIET = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)


@pytest.fixture(scope="module")
def code():
    """Of a bare module, which the others are compared with."""
    return prequential_codelength(network(), separable(), **QUICK)


# Laws


def test_a_network_that_learns_shortens_the_code_and_one_that_cannot_does_not(code):
    assert code.block_sizes == (10, 20, 70)
    assert code.block_bits[0] == 10 * math.log2(3)
    assert code.code_length < 0.9 * code.uniform_code_length
    assert code.block_bits[2] / 70 < code.block_bits[1] / 20
    uniform = prequential_codelength(Constant(0.0, 0.0, 0.0), separable(), **QUICK)
    assert uniform.code_length == pytest.approx(100 * math.log2(3), rel=1e-15)


def test_what_nothing_says_of_random_labels_cannot_be_saved():
    inputs, labels = separable()
    shuffled = labels[torch.randperm(100, generator=torch.Generator().manual_seed(1))]
    code = prequential_codelength(network(), (inputs, shuffled), **QUICK)
    assert code.code_length > 0.97 * code.uniform_code_length


def test_a_label_that_is_ruled_out_takes_for_ever():
    code = prequential_codelength(Constant(0.0, 0.0, -math.inf), separable(), **QUICK)
    assert code.code_length == math.inf


def test_the_first_block_is_coded_uniformly_or_by_the_given_weights(code):
    by_model = prequential_codelength(network(), separable(), first_block="model", **QUICK)
    assert by_model.block_bits[1:] == code.block_bits[1:]
    inputs, labels = separable()
    first = torch.randperm(100, generator=torch.Generator().manual_seed(0))[:10]
    nats = nn.functional.cross_entropy(network()(inputs[first]).double(), labels[first], reduction="sum").item()
    assert by_model.block_bits[0] == pytest.approx(nats / math.log(2), rel=1e-6)


class Watched(AdamClassifier):
    """Keeps the weights of each training, at its start and its end."""

    def __init__(self, body):
        super().__init__(body)
        self.seen = []

    def __deepcopy__(self, memo):
        copied = type(self)(network())
        copied.load_state_dict(self.state_dict())
        copied.seen = self.seen
        return copied

    def on_train_start(self):
        self.seen.append(states(self))

    on_train_end = on_train_start


def test_cold_starts_begin_from_the_given_weights_and_warm_ones_from_those_before():
    for start in ("cold", "warm"):
        model = Watched(network())
        prequential_codelength(model, separable(), start=start, **{**QUICK, "blocks": (50, 80, 100)})
        (first, end), (second, _) = model.seen[:2], model.seen[2:]
        assert same(first, states(model))
        assert not same(end, first)
        assert same(second, first if start == "cold" else end)


def test_eq_1_is_the_code_minus_what_the_labels_cost_the_last_network(code):
    model = Watched(network())
    found = model_information(model, separable(), **QUICK)
    assert found.block_bits == code.block_bits
    last = network()
    last.load_state_dict({name.removeprefix("network."): value for name, value in model.seen[-1][0].items()})
    inputs, labels = separable()
    nats = nn.functional.cross_entropy(last(inputs).double(), labels, reduction="sum").item()
    assert found.final_data_bits == pytest.approx(nats / math.log(2), rel=1e-6)
    assert found.model_bits == found.code_length - found.final_data_bits > 10
    assert model_information(Constant(0.0, 0.0, 0.0), separable(), **QUICK).model_bits == pytest.approx(0, abs=1e-9)


# Models and Trainers


@pytest.mark.parametrize(
    "model",
    [
        lambda: AdamClassifier(network()),
        lambda: UnifiedAdamClassifier(network()),
        lambda: (network(), nn.functional.cross_entropy),
        lambda: (network(), nn.CrossEntropyLoss()),
        lambda: nn.Sequential(network(), nn.LogSoftmax(1)),
    ],
    ids=["pytorch_lightning", "lightning", "pair", "pair of modules", "log-probabilities"],
)
def test_models_of_every_form_have_the_code_of_the_bare_one(code, model):
    model = model()
    module = model[0] if isinstance(model, tuple) else model
    before = states(module)
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    found = prequential_codelength(model, separable(), **QUICK)
    assert found.code_length == pytest.approx(code.code_length, rel=1e-5)
    assert same(before, states(module))
    assert all(weight.grad is None for weight in module.parameters())
    drawn = random.random(), np.random.rand(), torch.rand(1).item()
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    assert drawn == (random.random(), np.random.rand(), torch.rand(1).item())


def test_a_loss_of_ones_own_is_what_is_minimised(code):
    def perverse(scores, labels):
        return -nn.functional.cross_entropy(scores, labels)

    assert prequential_codelength((network(), perverse), separable(), **QUICK).code_length > code.code_length + 20


class Counting(Callback):
    epochs: list[int]

    def __init__(self):
        self.epochs = []

    def __deepcopy__(self, memo):
        copied = Counting()
        copied.epochs = self.epochs
        return copied

    def on_train_epoch_end(self, trainer, pl_module):
        self.epochs.append(trainer.current_epoch)


@pytest.mark.parametrize(
    ("package", "model"), [(pl, AdamClassifier), (lightning.pytorch, UnifiedAdamClassifier), (pl, lambda body: body)]
)
def test_every_training_has_a_copy_of_the_given_trainer(package, model):
    counting = Counting() if package is pl else type("Both", (lightning.pytorch.Callback,), dict(vars(Counting)))()
    trainer = package.Trainer(max_epochs=2, accelerator="cpu", callbacks=[counting], **QUIET)
    settings = {"trainer": trainer, "blocks": (10, 30, 100), "progress": False}
    found = prequential_codelength(model(network()), separable(), **settings)
    assert counting.epochs == [0, 1, 0, 1]
    assert (trainer.state.fn, trainer.global_step, trainer.callbacks) == (None, 0, [counting])
    assert found == prequential_codelength(model(network()), separable(), **settings)
    assert (found.settings["max_epochs"], "trainer" in found.settings) == (2, True)


def test_trainers_that_were_used_are_refused():
    trainer = pl.Trainer(max_epochs=1, accelerator="cpu", **QUIET)
    data = DataLoader(TensorDataset(*separable()))
    trainer.fit(AdamClassifier(network()), data, data)
    with pytest.raises(ValueError, match=r"trainer: an unused Trainer is required.*ran 'fit'"):
        prequential_codelength(network(), separable(), trainer=trainer)
    with pytest.raises(TypeError, match="trainer: Lightning's Trainer is required, got str"):
        prequential_codelength(network(), separable(), trainer="cpu")


# Data


class Rows(Dataset):
    """Rows of whatever kind."""

    def __init__(self, kind):
        self.inputs, self.labels = separable()
        self.kind = kind

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, row):
        return self.kind(self.inputs[row], self.labels[row])


def by_name(rows):
    return {"input": torch.stack([each[0] for each in rows]), "label": torch.tensor([each[1] for each in rows])}


@pytest.mark.parametrize(
    "data",
    [
        lambda: TensorDataset(*separable()),
        lambda: list(zip(*separable(), strict=True)),
        lambda: Rows(lambda inputs, label: (inputs, int(label))),
        lambda: Rows(lambda inputs, label: {"input": inputs, "labels": label}),
        lambda: DataLoader(TensorDataset(*separable()), batch_size=32),
        lambda: DataLoader(list(zip(*separable(), strict=True)), batch_size=32, collate_fn=by_name, shuffle=True),
        lambda: Rows(lambda inputs, label: (inputs, label.to(torch.uint8))),
    ],
    ids=["data set", "list", "pairs", "mappings", "loader", "loader with a collation", "bytes"],
)
def test_data_of_every_form_have_the_same_code(code, data):
    assert prequential_codelength(network(), data(), **QUICK) == code


def test_the_batch_size_is_that_of_the_loader_unless_another_is_asked_for(code):
    loader = DataLoader(TensorDataset(*separable()), batch_size=8)
    small = prequential_codelength(network(), loader, **QUICK)
    assert small.code_length != code.code_length
    assert small.block_bits == prequential_codelength(network(), separable(), batch_size=8, **QUICK).block_bits
    assert prequential_codelength(network(), loader, batch_size=32, **QUICK).block_bits == code.block_bits


# Broken off


def test_a_coding_that_is_killed_goes_on_to_the_same_bits(tmp_path):
    command = [sys.executable, "-m", "tests.model_information.killed_coding", str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, check=True)
    for start in STARTS:
        kept = torch.load(tmp_path / start, weights_only=True)["infomem_coding"]
        assert len(kept["nats"]) == BLOCKS_WRITTEN
        whole = codelength(start, None)
        assert codelength(start, tmp_path / start) == whole
        assert codelength(start, tmp_path / start) == whole  # of which nothing is left to be done
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(STARTS)


def test_a_record_of_another_coding_is_refused(tmp_path):
    record = tmp_path / "record"
    settings = {**QUICK, "max_epochs": 1}
    inputs, labels = separable()
    prequential_codelength(network(), (inputs, labels), resume=record, **settings)
    others = [
        lambda: prequential_codelength(network(1), (inputs, labels), resume=record, **settings),
        lambda: prequential_codelength((network(), nn.NLLLoss()), (inputs, labels), resume=record, **settings),
        lambda: prequential_codelength(network(), (inputs, labels.flip(0)), resume=record, **settings),
        lambda: prequential_codelength(network(), (inputs + 1, labels), resume=record, **settings),
        lambda: prequential_codelength(network(), (inputs, labels), resume=record, **settings, seed=1),
        lambda: model_information(network(), (inputs, labels), resume=record, **settings),
    ]
    for other in others:
        with pytest.raises(ValueError, match=r"resume: .* belongs to another coding"):
            other()


class Interrupted(AdamClassifier):
    def training_step(self, batch, batch_idx):
        os.kill(os.getpid(), signal.SIGINT)
        return super().training_step(batch, batch_idx)


def test_control_c_comes_out_as_from_any_function_and_is_heard_again():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins deaf to it
    try:
        with pytest.raises(KeyboardInterrupt):
            prequential_codelength(Interrupted(network()), separable(), **QUICK)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


# Wrong input


class Text(nn.Module):
    def forward(self, inputs):
        return "probably"


class Stream(IterableDataset):
    def __iter__(self):
        return iter([])


def diverging(scores, labels):
    return nn.functional.cross_entropy(scores, labels) * math.nan


@pytest.mark.parametrize(
    ("given", "fault", "message"),
    [
        ({"model": "network"}, TypeError, "model: a LightningModule, a torch module, or a pair .* got str 'network'"),
        ({"model": (network(), 3)}, TypeError, "model: a LightningModule, a torch module, or a pair"),
        ({"model": Text()}, TypeError, "model: class scores or log-probabilities .* got str 'probably'"),
        ({"model": nn.Flatten(0)}, ValueError, r"model: class scores .* \[2, classes\] .* of shape \[12\]"),
        ({"model": nn.Linear(6, 1)}, ValueError, "of two or more classes are required"),
        ({"model": nn.Sequential(network(), nn.Softmax(1))}, ValueError, "numbers from 0 to 1 that sum to 1"),
        ({"model": nn.Linear(6, 2)}, ValueError, "data: labels from 0 to 1 are required .* of 2 classes, got 2"),
        ({"model": (network(), diverging)}, ValueError, "block 2 of 3: model: a cross-entropy .* got NaN"),
        ({"data": (separable()[0] * math.nan, separable()[1])}, ValueError, "block 2 of 3: model: .* got NaN"),
        ({"data": separable(5)}, ValueError, "data: at least 10 samples are required .* got 5"),
        ({"data": (separable()[0], separable()[1] - 1)}, ValueError, "labels: class indices from 0 .* got -1"),
        ({"data": (separable()[0], separable()[1][:50])}, ValueError, "labels: one for each of 100 samples"),
        ({"data": (separable()[0], separable()[1].float())}, TypeError, "labels: an int64 torch tensor"),
        ({"data": separable()[0]}, TypeError, "data: batches .inputs, labels."),
        ({"data": TensorDataset(separable()[0])}, TypeError, "data: batches .inputs, labels."),
        ({"data": Stream()}, TypeError, "data: a pair of tensors .* got Stream"),
        ({"data": DataLoader(Stream())}, TypeError, "data: a pair of tensors .* got Stream"),
        ({"data": []}, ValueError, "data: at least one sample is required, got none"),
        ({"blocks": (50, 20, 100)}, ValueError, "schedule: percentages that ascend"),
        ({"start": "hot"}, ValueError, "start: one of 'cold', 'warm' is required, got 'hot'"),
        ({"first_block": "best"}, ValueError, "first_block: one of 'uniform', 'model'"),
        ({"holdout": 1.0}, ValueError, "holdout: a finite number > 0 and < 1 is required, got 1.0"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate: a finite number > 0"),
        ({"max_epochs": 0}, ValueError, "max_epochs: a whole number >= 1"),
        ({"batch_size": 0}, ValueError, "batch_size: a whole number >= 1"),
        ({"epochs": 3}, TypeError, "epochs"),
    ],
)
def test_wrong_input_is_named(given, fault, message):
    model, data = given.pop("model", network()), given.pop("data", separable())
    with pytest.raises(fault, match=message):
        prequential_codelength(model, data, **{**QUICK, **given})
