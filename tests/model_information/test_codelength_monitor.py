"""The code of labels that a network sees for the first time, along its training."""

from __future__ import annotations

import copy
import math
import pickle
import warnings

import lightning.pytorch
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader

from lightning_infomem.model_information import CodelengthMonitor
from lightning_infomem.model_information.coded_labels import CodedLabels
from tests.networks import Classifier, UnifiedClassifier, dense, loader, mlp, trainer

TOTALS = {"codelength/total_bits", "codelength/saved_bits", "codelength/labels"}
NAMES = TOTALS | {"codelength/batch_bits_per_label"}


class Recording(Classifier):
    """Keeps what each batch costs it in training, before its step; in evaluation mode as the monitor must."""

    def __init__(self, network=None, *, draw=False):
        super().__init__(mlp() if network is None else network)
        self.bits, self.draw = [], draw

    def training_step(self, batch, batch_idx):
        if not self.draw:
            with torch.no_grad():
                nats = nn.functional.cross_entropy(self.network.eval()(batch[0]).double(), batch[1], reduction="sum")
                self.network.train()
            self.bits.append(float(nats) / math.log(2))
        noise = torch.randn_like(batch[0]) if self.draw else 0
        return super().training_step((batch[0] + noise, batch[1]), batch_idx)


def fit(folder, monitor, model=None, data=None, **options):
    torch.manual_seed(0)
    model = Recording() if model is None else model
    runner = trainer(folder, **{"callbacks": [monitor] if monitor else [], "max_epochs": 1, **options})
    runner.fit(model, loader(dense()) if data is None else data)
    return runner, model


@pytest.fixture(autouse=True)
def _no_validation():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*but have no `val_dataloader`.*")
        yield


def test_each_batch_costs_what_the_network_before_its_step_does_not_know(tmp_path):
    monitor = CodelengthMonitor()
    _, model = fit(tmp_path, monitor)
    assert len(model.bits) == 7
    assert monitor.coded.bits == pytest.approx(sum(model.bits), rel=1e-6)
    assert (monitor.coded.labels, monitor.coded.uniform_bits) == (100, pytest.approx(100 * math.log2(3)))


def test_the_names_that_are_logged_are_these_and_their_values_those_of_the_code(tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    monitor = CodelengthMonitor()
    runner, model = fit(tmp_path, monitor, logger=logger, log_every_n_steps=1, max_epochs=2)
    assert {name for name in runner.logged_metrics if name.startswith("codelength")} <= NAMES
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    head = lines[0].split(",")
    assert {name for name in head if "codelength" in name} == NAMES
    rows = [dict(zip(head, line.split(","), strict=True)) for line in lines[1:]]
    batches = [float(row["codelength/batch_bits_per_label"]) for row in rows if row["codelength/batch_bits_per_label"]]
    sizes = [16] * 6 + [4]
    assert batches == pytest.approx([bits / size for bits, size in zip(model.bits, sizes, strict=False)], rel=1e-5)
    totals = [float(row["codelength/total_bits"]) for row in rows if row["codelength/total_bits"]]
    expected = [sum(model.bits[: place + 1]) for place in range(7)]
    assert totals == pytest.approx([*expected, expected[-1], expected[-1]], rel=1e-5)
    saved = [float(row["codelength/saved_bits"]) for row in rows if row["codelength/saved_bits"]]
    assert saved[-1] == pytest.approx(100 * math.log2(3) - expected[-1], rel=1e-3)
    assert runner.callback_metrics["codelength/labels"] == 100


class Noise(nn.Module):
    """Draws in evaluation mode, too."""

    def forward(self, inputs):
        return inputs + 0.01 * torch.randn_like(inputs)


def test_training_is_bitwise_the_same_with_and_without(tmp_path):
    def network():
        return nn.Sequential(nn.Linear(6, 10), Noise(), nn.BatchNorm1d(10), nn.Dropout(), nn.ReLU(), nn.Linear(10, 3))

    weights = []
    for monitor in (None, CodelengthMonitor()):
        torch.manual_seed(1)
        data = loader(dense())
        data = DataLoader(data.dataset, batch_size=16, shuffle=True)
        _, model = fit(tmp_path, monitor, Recording(network(), draw=True), data, max_epochs=2)
        weights.append([*copy.deepcopy(model.state_dict()).values(), torch.get_rng_state()])
    assert monitor.coded.labels == 100
    assert all(map(torch.equal, *weights))


def test_steps_that_are_gathered_over_batches_change_no_batch_before_its_step(tmp_path):
    monitor = CodelengthMonitor()
    _, model = fit(tmp_path, monitor, accumulate_grad_batches=3)
    assert monitor.coded.bits == pytest.approx(sum(model.bits), rel=1e-6)


class Named(Classifier):
    """Takes mappings."""

    def forward(self, inputs):
        return {"logits": self.network(inputs)}

    def training_step(self, batch, batch_idx):
        return nn.functional.cross_entropy(self(batch["inputs"])["logits"], batch["labels"])


def test_mappings_and_models_with_named_logits_are_coded(tmp_path):
    def by_name(rows):
        inputs, labels = zip(*rows, strict=True)
        return {"inputs": torch.stack(inputs), "labels": torch.stack(labels)}

    monitor, other = CodelengthMonitor(), CodelengthMonitor()
    data = DataLoader(loader(dense()).dataset, batch_size=16, collate_fn=by_name)
    torch.manual_seed(2)
    fit(tmp_path, monitor, Named(mlp()), data)
    torch.manual_seed(2)
    fit(tmp_path, other, Classifier(mlp()))
    assert monitor.coded == other.coded


def test_the_precision_is_that_of_the_trainer(tmp_path):
    found = []
    for precision in ("32-true", "bf16-mixed", "bf16-true"):
        monitor = CodelengthMonitor()
        torch.manual_seed(3)
        fit(tmp_path, monitor, Classifier(mlp()), precision=precision)
        found.append(monitor.coded.bits)
    assert len(set(found)) == 3
    assert found[1:] == pytest.approx([found[0]] * 2, rel=0.02)


def test_the_other_package_is_watched_too(tmp_path):
    monitor = CodelengthMonitor()
    runner = lightning.pytorch.Trainer(
        callbacks=monitor,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    runner.fit(UnifiedClassifier(mlp()), loader(dense()))
    assert monitor.coded.labels == 100


class Resumable(DataLoader):
    """A loader with a state, as those that go on in the midst of an epoch have."""

    def __init__(self, data, **options):
        super().__init__(data, **options)
        self.place = 0

    def __iter__(self):
        for batch in [*super().__iter__()][self.place :]:
            self.place += 1
            yield batch
        self.place = 0

    def state_dict(self):
        return {"place": self.place}

    def load_state_dict(self, state):
        self.place = state["place"]


def test_a_run_that_was_broken_off_in_the_first_epoch_goes_on_to_the_same_totals(tmp_path):
    def data():
        return Resumable(loader(dense()).dataset, batch_size=16)

    def saving():
        return ModelCheckpoint(tmp_path, filename="midst", every_n_train_steps=3, save_top_k=-1)

    whole, first, second = (CodelengthMonitor() for _ in range(3))
    fit(tmp_path, whole, data=data())
    fit(tmp_path, first, data=data(), callbacks=[first, saving()], max_steps=3)
    state = torch.load(tmp_path / "midst.ckpt", weights_only=True)["callbacks"][first.state_key]
    assert state["coded"] == {"labels": 48, "bits": first.coded.bits, "uniform_bits": first.coded.uniform_bits}
    runner = trainer(tmp_path, callbacks=[second, saving()], max_epochs=1)
    runner.fit(Recording(), data(), ckpt_path=tmp_path / "midst.ckpt")
    assert second.coded == whole.coded


def test_the_epochs_after_the_first_code_nothing_and_a_new_run_begins_anew(tmp_path):
    monitor = CodelengthMonitor()
    fit(tmp_path, monitor, max_epochs=3)
    assert monitor.coded.labels == 100
    fit(tmp_path, monitor, data=loader(dense(40)))
    assert monitor.coded.labels == 40


def test_a_checkpoint_that_is_only_validated_leaves_the_totals_alone(tmp_path):
    monitor = CodelengthMonitor()
    fit(tmp_path, monitor, callbacks=[monitor, ModelCheckpoint(tmp_path, filename="last")])
    fit(tmp_path, monitor, data=loader(dense(40)))
    runner = trainer(tmp_path, callbacks=[monitor, ModelCheckpoint(tmp_path)])
    runner.validate(Recording(), loader(dense()), ckpt_path=tmp_path / "last.ckpt", verbose=False)
    assert monitor.coded.labels == 40


def test_a_state_that_is_none_is_said_and_the_totals_begin_anew():
    monitor = CodelengthMonitor()
    with pytest.warns(UserWarning, match="the totals in this checkpoint cannot be read"):
        monitor.load_state_dict({"coded": {"labels": 3, "nats": 1.0}, "num_passed": 3})
    assert monitor.coded == CodedLabels()


class Regressor(Classifier):
    """Gives one number a sample."""

    def training_step(self, batch, batch_idx):
        return (self.network(batch[0])[:, 0] - batch[1]).square().mean()


class Probable(Classifier):
    """Gives probabilities."""

    def forward(self, inputs):
        return self.network(inputs).softmax(1)


class Flat(Regressor):
    def forward(self, inputs):
        return self.network(inputs)[:, 0]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            Flat(mlp()),
            "class scores .samples, classes. are required. Batch 0 .*got a torch.float32 tensor of shape .16.",
        ),
        (Probable(mlp()), "got numbers from 0 to 1 that sum to 1"),
        (Regressor(nn.Linear(6, 2)), "labels from 0 to 1 are required for a model of 2 classes, got 2"),
    ],
)
def test_a_module_that_codes_nothing_is_trained_with_one_warning(tmp_path, model, message):
    before = copy.deepcopy(model.state_dict())
    monitor = CodelengthMonitor()
    with pytest.warns(UserWarning, match=message) as caught:
        runner, _ = fit(tmp_path, monitor, model, max_epochs=2)
    assert sum("CodelengthMonitor" in str(each.message) for each in caught) == 1
    assert runner.global_step == 14
    assert not all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not [name for name in runner.callback_metrics if "codelength" in name]
    assert model.training
    with pytest.raises((TypeError, ValueError), match="required"):
        fit(tmp_path, CodelengthMonitor(on_error="raise"), model)


def test_names_and_state_are_of_the_prefix(tmp_path):
    monitors = [CodelengthMonitor(), CodelengthMonitor(prefix="mine")]
    runner, _ = fit(tmp_path, None, callbacks=monitors)
    assert runner.callback_metrics["mine/total_bits"] == runner.callback_metrics["codelength/total_bits"]
    assert len({monitor.state_key for monitor in monitors}) == 2
    assert pickle.loads(pickle.dumps(monitors[0])).coded == monitors[0].coded


def test_quick_runs_and_bare_ones_do_no_harm(tmp_path):
    for options in ({"fast_dev_run": True}, {"barebones": True}):
        monitor = CodelengthMonitor()
        runner = pl.Trainer(
            callbacks=[monitor],
            accelerator="cpu",
            max_epochs=1,
            **{"enable_progress_bar": False, "enable_model_summary": False, **options},
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runner.fit(Classifier(mlp()), loader(dense()))
        assert monitor.coded.labels == (16 if "fast_dev_run" in options else 0)


def test_a_compiled_network_is_coded_and_compiled_once(tmp_path):
    compiled = []

    def count(graph, inputs):
        compiled.append(graph)
        return graph.forward

    model = Classifier(mlp())
    model.network = torch.compile(model.network, backend=count)
    monitor = CodelengthMonitor()
    fit(tmp_path, monitor, model, loader(dense(96)))
    assert monitor.coded.labels == 96
    assert len(compiled) == 1
