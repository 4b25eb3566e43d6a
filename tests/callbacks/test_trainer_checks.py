"""Monitors that do not fit their Trainer, or one another."""

from __future__ import annotations

import pytest
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from lightning_infomem.callbacks import MemorizationMonitor
from tests.networks import Classifier, dense, loader, mlp, trainer


class Silent(Classifier):
    """It takes several loaders."""

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        self(batch[0])


def fit(folder, *callbacks, val, **options):
    runner = trainer(folder, callbacks=callbacks, **options)
    runner.fit(Silent(mlp()), loader(dense()), val)
    return runner


@pytest.mark.parametrize("options", [{}, {"num_sanity_val_steps": 0}])
@pytest.mark.parametrize("count", [1, 2])
def test_a_loader_that_is_missing_is_named_before_training(tmp_path, options, count):
    loaders = [loader(dense())] * count
    said = rf"dataloader_idx: the index of one of {count} loaders is required, from 0 to {count - 1}, got 3; choose"
    for val in (loaders, dict(enumerate(loaders))):
        with pytest.raises(MisconfigurationException, match=said):
            fit(tmp_path, MemorizationMonitor(dataloader_idx=3), val=val, **options)
    fit(tmp_path, MemorizationMonitor(dataloader_idx=count - 1), val=loaders, max_epochs=1, **options)


def test_what_is_known_only_later_ends_no_run(tmp_path):
    monitor = MemorizationMonitor(dataloader_idx=1)
    runner = fit(tmp_path, monitor, val=[loader(dense())] * 2, max_epochs=1)
    said = "nothing was measured at this validation: dataloader_idx: .* one of 1 loaders"
    with pytest.warns(UserWarning, match=said):
        runner.validate(runner.lightning_module, loader(dense()), verbose=False)
    monitor.on_error = "raise"
    with pytest.raises(ValueError, match="dataloader_idx"):
        runner.validate(runner.lightning_module, loader(dense()), verbose=False)


def test_with_batches_of_its_own_the_index_is_not_used(tmp_path):
    monitor = MemorizationMonitor(dataloader_idx=3, dataloader=[dense()])
    fit(tmp_path, monitor, val=loader(dense()), max_epochs=1)
    assert len(monitor.history) == 1


class Mine(MemorizationMonitor):
    """For Lightning a callback of another name."""


@pytest.mark.parametrize("other", ["infomem", "infomem/network.0", "infomem/network.2"])
def test_two_monitors_never_log_under_one_name(tmp_path, other):
    monitors = [MemorizationMonitor(), Mine(prefix=other)]
    with pytest.raises(MisconfigurationException, match=rf"prefix: names of its own .* 'infomem' and '{other}'; give"):
        fit(tmp_path, *monitors, val=loader(dense()))
    with pytest.raises(MisconfigurationException, match="give each monitor another prefix="):
        fit(tmp_path, *monitors[::-1], val=loader(dense()))


def test_prefixes_with_a_slash_are_kept(tmp_path):
    monitors = [MemorizationMonitor("network.0", prefix="probe/val"), MemorizationMonitor(prefix="probe_val")]
    runner = fit(tmp_path, *monitors, MemorizationMonitor("network.2", prefix="probe"), val=loader(dense()))
    names = {f"{prefix}/mi_mean" for prefix in ("probe/val", "probe_val", "probe", "probe/val/network.0")}
    assert names <= set(runner.callback_metrics)
