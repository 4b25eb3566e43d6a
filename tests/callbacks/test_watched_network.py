import warnings

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from lightning_infomem import MemorizationMonitor
from lightning_infomem.callbacks.watched_network import WatchedNetwork
from lightning_infomem.settings import MeasurementSettings
from tests.networks import Classifier, dense, loader, mlp, num_hooks, trainer


def fit(folder, monitor, module, **options):
    runner = trainer(folder, callbacks=[monitor], **options)
    runner.fit(module, loader(dense()), loader(dense()))
    return runner


def test_a_network_without_hidden_layers_is_one_warning_and_no_measurement(tmp_path):
    monitor = MemorizationMonitor()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        runner = fit(tmp_path, monitor, Classifier(nn.Linear(6, 3)), max_epochs=3)
    said = [str(each.message) for each in caught if "MemorizationMonitor" in str(each.message)]
    assert len(said) == 1
    assert "a hidden layer with a row for each example is required" in said[0]
    assert monitor.history == []
    assert not [name for name in runner.callback_metrics if name.startswith("infomem")]


@pytest.mark.parametrize("num_sanity_val_steps", [0, 1])
def test_a_function_of_examples_that_fails_stops_no_training(tmp_path, num_sanity_val_steps):
    def examples(batch):
        raise KeyError("nodes")

    module, monitor = Classifier(mlp()), MemorizationMonitor(examples=examples)
    with pytest.warns(UserWarning, match="nothing was measured at this validation: 'nodes'"):
        runner = fit(tmp_path, monitor, module, num_sanity_val_steps=num_sanity_val_steps, max_epochs=2)
    assert runner.current_epoch == 2
    assert num_hooks(module) == 0


def test_a_strict_monitor_raises_it(tmp_path):
    monitor = MemorizationMonitor(examples=lambda batch: "many", on_error="raise")
    with pytest.raises(TypeError, match="examples: the number of examples"):
        fit(tmp_path, monitor, Classifier(mlp()))


def test_what_would_be_measured_is_told_without_a_run():
    plan = MemorizationMonitor(["network.0"], max_units=5, task="none").plan(Classifier(mlp()), dense(16))
    assert list(plan.layers) == ["network.0"]
    assert "network.0  [1024 examples, 5 of 10 units]" in str(plan)


class WithoutForward(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = mlp()

    def validation_step(self, batch, batch_idx):
        self.log("loss", nn.functional.cross_entropy(self.net(batch[0]), batch[1]))


def test_a_module_without_forward_shows_its_validation_step():
    plan = MemorizationMonitor().plan(WithoutForward(), (dense(16), torch.zeros(16, dtype=torch.long)))
    assert list(plan.layers) == ["net.0", "net.2"]
    assert plan.task == "classification"


def test_a_layer_that_is_named_must_exist():
    with pytest.raises(Exception, match=r"got 'netwrok\.0'; nearest: 'network\.0'"):
        WatchedNetwork("netwrok.0", MeasurementSettings()).check_layers(Classifier(mlp()))


def test_nothing_is_watched_before_it_begins():
    network = WatchedNetwork("auto", MeasurementSettings())
    network.open_batch(torch.zeros(3))
    assert not network.close_batch()
    with pytest.raises(ValueError, match="no validation was watched"):
        network.caught()
