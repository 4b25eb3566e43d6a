"""Networks whose outputs are no classes are not judged as if they were, and learn what they learn without us."""

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem.callbacks import MemorizationMonitor
from tests.callbacks.steps_without_classes import INPUTS, RUNS
from tests.networks import num_hooks, trainer


class Alarms(pl.Callback):
    """Notes every value of the alarm."""

    def __init__(self):
        self.seen = []

    def on_validation_end(self, trainer, pl_module):
        if not trainer.sanity_checking:
            self.seen.append(float(trainer.callback_metrics["infomem/memorizing"]))


def fit(folder, run, *callbacks):
    """The trained module and its Trainer; every call trains on the same batches from the same weights."""
    torch.manual_seed(0)
    module, data = run.build(), TensorDataset(*run.columns())
    runner = trainer(folder, callbacks=callbacks)
    runner.fit(module, DataLoader(data, 16, shuffle=True), DataLoader(data, 32))
    return module, runner


@pytest.mark.parametrize("name", RUNS)
def test_a_network_without_classes_is_measured_but_not_judged(tmp_path, name):
    run, monitor, alarms = RUNS[name], MemorizationMonitor(), Alarms()
    module, runner = fit(tmp_path, run, monitor, alarms)
    assert {layer.num_samples for layer in monitor.report.layers} == {INPUTS * run.views}
    assert monitor.report.task == run.task
    assert run.reason in monitor.judgement.abstention
    assert monitor.report.task_reason in monitor.judgement.abstention or monitor.report.predictions is None
    assert alarms.seen == [0, 0]
    assert not [key for key in runner.callback_metrics if key.endswith(("confidence", "confidence_gap", "smoothness"))]
    alone, _ = fit(tmp_path, run)
    assert num_hooks(module) == 0
    for key, value in alone.state_dict().items():
        assert torch.equal(module.state_dict()[key], value), key


def test_there_are_enough_of_them():
    assert len(RUNS) >= 20
