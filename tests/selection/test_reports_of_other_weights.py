"""A checkpoint is ranked by a report of its own weights, or not at all."""

from __future__ import annotations

import pytest
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch import nn
from torch.optim.swa_utils import get_ema_avg_fn

from lightning_infomem import MemorizationMonitor, measure, rank_checkpoints
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, find_checkpoints, read_checkpoint
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.selection.read_candidates import read_candidate, read_candidates
from tests.networks import Classifier, dense, loader, mlp, resnet, trainer

DATA = [dense()]


def _fit(folder, *callbacks, network=mlp, **options):
    torch.manual_seed(0)
    model = Classifier(network())
    inputs = dense() if network is mlp else torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    trainer(folder, callbacks=callbacks, **options).fit(model, loader(inputs), loader(inputs))
    return model


def _saved(folder, **options):
    return ModelCheckpoint(folder, filename="{step}", save_top_k=-1, **options)


@pytest.mark.parametrize("network", [mlp, resnet])
@pytest.mark.parametrize("options", [{}, {"val_check_interval": 0.5}, {"precision": "bf16-true"}])
def test_a_checkpoint_saved_at_a_validation_is_of_the_report_in_it(tmp_path, network, options):
    _fit(tmp_path, MemorizationMonitor(), _saved(tmp_path), network=network, **options)
    candidates, skipped = read_candidates(find_checkpoints(tmp_path))
    assert (len(candidates) >= 2, skipped) == (True, {})
    assert all(each.carried for each in candidates)


def test_one_saved_between_validations_is_left_out_or_measured_anew(tmp_path):
    _fit(tmp_path, MemorizationMonitor(), _saved(tmp_path, every_n_train_steps=5), max_epochs=3)
    steps = {path: read_checkpoint(path) for path in find_checkpoints(tmp_path)}
    late = {path: record for path, record in steps.items() if record.step in (10, 15)}  # seven steps an epoch
    assert len(late) == 2
    for path, record in late.items():
        reason = f"of other weights (measured at step {record.report.step}, saved at step {record.step}; 'network.0"
        with pytest.raises(UnusableCheckpoint) as said:
            read_candidate(path)
        assert reason in str(said.value)
        assert "give model= and data=" in str(said.value)
        measured = read_candidate(path, OfflineMeasurement(Classifier(mlp()), DATA, layers=["network.0"]))
        assert not measured.carried


def test_one_saved_while_the_monitor_pauses_is_left_out(tmp_path):
    _fit(tmp_path, MemorizationMonitor(every_n_validations=2), _saved(tmp_path), max_epochs=4)
    candidates, skipped = read_candidates(find_checkpoints(tmp_path))
    assert [each.step for each in candidates] == [21, 7]
    assert len(skipped) == 2
    assert all("its report is of other weights" in why for why in skipped.values())


class Breaks(Callback):
    """Sets some weights to a value in the last epoch."""

    def __init__(self, name, value):
        self.name, self.value = name, value

    def on_validation_start(self, trainer, pl_module):
        if trainer.current_epoch == trainer.max_epochs - 1:
            pl_module.get_parameter(self.name).data[0] = self.value


@pytest.mark.filterwarnings("ignore:.*leaves out layer:UserWarning", "ignore:.*nothing was measured:UserWarning")
@pytest.mark.parametrize("name", ["network.0.weight", "network.4.bias"])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_network_that_diverged_takes_no_place(tmp_path, name, value):
    for run in ("one", "two", "broken"):
        breaking = [Breaks(name, value)] if run == "broken" else []
        _fit(tmp_path / run, *breaking, MemorizationMonitor(), ModelCheckpoint(tmp_path / run, filename="last"))
    ranking = rank_checkpoints(tmp_path, memorization="example")
    assert [row.path.parent.name for row in ranking.rows] in (["one", "two"], ["two", "one"])
    assert f"its weights are not finite ('{name}')" in ranking.skipped[str(tmp_path / "broken" / "last.ckpt")]


def test_weights_put_into_a_file_later_are_found_out(tmp_path):
    _fit(tmp_path, MemorizationMonitor(), ModelCheckpoint(tmp_path, filename="last"))
    path = tmp_path / "last.ckpt"
    content = torch.load(path, weights_only=True)
    with torch.no_grad():
        content["state_dict"]["network.2.bias"][3] += 1e-6
    torch.save(content, path)
    with pytest.raises(UnusableCheckpoint, match=r"of other weights \(they changed after it; 'network.2.bias' differs"):
        read_candidate(path)
    del content["state_dict"]
    torch.save(content, path)  # nothing to compare with
    assert read_candidate(path).carried


class OwnAverage(Callback):
    """Validates and saves the mean of first and present weights, with hooks other than Lightning's."""

    def on_fit_start(self, trainer, pl_module):
        self.first = [each.detach().clone() for each in pl_module.parameters()]

    def on_validation_start(self, trainer, pl_module):
        self.present = [each.detach().clone() for each in pl_module.parameters()]
        self.mean = [(first + now) / 2 for first, now in zip(self.first, self.present, strict=True)]
        self._put(pl_module, self.mean)

    def on_validation_epoch_end(self, trainer, pl_module):
        self._put(pl_module, self.present)

    def on_save_checkpoint(self, trainer, pl_module, checkpoint):
        names = [name for name, _ in pl_module.named_parameters()]
        checkpoint["state_dict"] = dict(zip(names, self.mean, strict=True))

    def _put(self, model, values):
        for parameter, value in zip(model.parameters(), values, strict=True):
            parameter.data.copy_(value)


def _moving_average():
    # It is missing in older versions.
    return pytest.importorskip("pytorch_lightning.callbacks.weight_averaging").WeightAveraging(
        avg_fn=get_ema_avg_fn(0.9)
    )


@pytest.mark.parametrize("monitor_first", [False, True])
@pytest.mark.parametrize("averaging", [_moving_average, OwnAverage])
@pytest.mark.parametrize("options", [{}, {"dataloader": DATA}])
def test_the_averaged_weights_are_measured_in_any_order_of_callbacks(tmp_path, monitor_first, averaging, options):
    monitor = MemorizationMonitor(["network.0", "network.2"], training_probe=True, **options)
    both = [averaging(), monitor]
    _fit(tmp_path, *(both[::-1] if monitor_first else both), _saved(tmp_path))
    candidates, skipped = read_candidates(find_checkpoints(tmp_path))
    assert (len(candidates), skipped) == (2, {})
    for each in candidates:
        model = Classifier(mlp())
        model.load_state_dict(torch.load(each.path, weights_only=True)["state_dict"])
        expected = measure(model, DATA, ["network.0", "network.2"])
        carried = read_checkpoint(each.path).report
        for ours, theirs in zip(carried.layers, expected.layers, strict=True):
            # Batches of another size may change the last bits of a float32 activation.
            torch.testing.assert_close(ours.mutual_information, theirs.mutual_information, rtol=0, atol=1e-5)
        with torch.no_grad():  # training inputs are the validation inputs here
            confidence = nn.functional.softmax(model(dense()), 1).amax(1).mean().item()
        assert _logged(monitor, carried.step)["infomem/training_confidence"] == pytest.approx(confidence, abs=1e-5)


def _logged(monitor, step):
    return next(values for values in monitor.history if values["step"] == step)
