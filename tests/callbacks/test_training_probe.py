"""The confidence on training inputs beside that on validation inputs; the training itself is left alone."""

import pytest
import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from lightning_infomem import MemorizationMonitor
from tests.networks import Classifier, dense, loader, mlp, num_hooks, trainer


class Eager(Classifier):
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.02)


def _fit(folder, data, *, epochs=2, kind=Classifier, **options):
    torch.manual_seed(1)
    model = kind(mlp())
    monitor = MemorizationMonitor(on_error="raise", max_samples=64, **options)
    trainer(folder, callbacks=[monitor], max_epochs=epochs).fit(model, data, loader(dense(80, seed=5)))
    return model, monitor


class Augmented(TensorDataset):
    """Every look at an example is another one."""

    looks = 0

    def __getitem__(self, index):
        self.looks += 1
        inputs, labels = super().__getitem__(index)
        return inputs + torch.randn(6), labels


def _random_labels(count=100):
    return torch.randint(0, 3, (count,), generator=torch.Generator().manual_seed(2))


def test_what_is_learnt_by_heart_widens_the_gap(tmp_path):
    data = DataLoader(TensorDataset(dense(48), _random_labels(48)), batch_size=8, shuffle=True)
    model, monitor = _fit(tmp_path, data, epochs=60, kind=Eager, training_probe=True)
    first, last = monitor.history[0], monitor.history[-1]
    assert last["infomem/confidence_gap"] > max(0.02, first["infomem/confidence_gap"])
    gap = last["infomem/training_confidence"] - last["infomem/confidence"]
    assert last["infomem/confidence_gap"] == pytest.approx(gap)
    with torch.no_grad():
        expected = model(dense(48)).softmax(1).amax(1).mean().item()  # all 48 are in the probe
    assert last["infomem/training_confidence"] == pytest.approx(expected, abs=1e-6)
    assert num_hooks(model) == 0


def test_training_is_bitwise_the_same_with_it(tmp_path):
    data = DataLoader(Augmented(dense(), _random_labels()), batch_size=16, shuffle=True)
    with_it, _ = _fit(tmp_path, data, training_probe=True)
    without, monitor = _fit(tmp_path, data)
    for ours, theirs in zip(with_it.state_dict().values(), without.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    assert "infomem/confidence" in monitor.history[-1]
    assert "infomem/confidence_gap" not in monitor.history[-1]


def test_the_inputs_and_their_augmentation_are_the_same_each_time(tmp_path):
    data = DataLoader(Augmented(dense(), _random_labels()), batch_size=16, shuffle=True)

    class Still(Classifier):
        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.0)

    monitor = MemorizationMonitor(on_error="raise", max_samples=64, training_probe=True)
    trainer(tmp_path, callbacks=[monitor], max_epochs=3).fit(Still(mlp()), data, loader(dense(80, seed=5)))
    assert len({values["infomem/training_confidence"] for values in monitor.history}) == 1
    assert data.dataset.looks == 3 * (100 + 64)


def test_only_a_share_of_the_training_inputs_is_looked_at(tmp_path):
    data = DataLoader(Augmented(dense(1000), _random_labels(1000)), batch_size=100)
    _, monitor = _fit(tmp_path, data, epochs=1, training_probe=True)
    assert data.dataset.looks == 1000 + 64
    assert monitor.history[0]["infomem/training_confidence"] > 1 / 3


class Stream(IterableDataset):
    def __iter__(self):
        return iter(TensorDataset(dense(), _random_labels()))


def test_a_stream_has_no_inputs_to_come_back_to(tmp_path):
    with pytest.raises(MisconfigurationException, match="training_probe: a DataLoader over a data set with a length"):
        _fit(tmp_path, DataLoader(Stream(), batch_size=16), training_probe=True)
