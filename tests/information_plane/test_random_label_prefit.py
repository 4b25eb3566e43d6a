"""Training that begins on random labels."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.utils.data import DataLoader

from lightning_infomem.information_plane import RandomLabelPrefit
from tests.networks import Classifier, dense, loader, mlp, trainer


class Seeing(Classifier):
    """Writes down the labels of every input, by epoch."""

    def __init__(self):
        super().__init__(mlp())
        self.seen = {}

    def training_step(self, batch, batch_idx):
        own = self.seen.setdefault(self.trainer.current_epoch, {})
        own.update({tuple(x.tolist()): y for x, y in zip(batch[0], batch[1].tolist(), strict=True)})
        return super().training_step(batch, batch_idx)


def true_labels():
    return {tuple(x.tolist()): int(y) for x, y in loader(dense()).dataset}


def fit(folder, callback, *, epochs=3, data=None, model=None):
    model = Seeing() if model is None else model
    runner = trainer(folder, callbacks=[callback], max_epochs=epochs)
    runner.fit(model, loader(dense()) if data is None else data, loader(dense()))
    return model


def test_labels_are_random_first_the_same_for_an_input_in_each_epoch_and_then_true(tmp_path):
    seen = fit(tmp_path, RandomLabelPrefit(2, 3), epochs=4).seen
    assert seen[2] == seen[3] == true_labels()
    assert seen[0] == seen[1]
    agreeing = sum(seen[0][x] == label for x, label in true_labels().items()) / len(seen[0])
    assert agreeing < 0.6  # a third by chance; 100 inputs: four standard deviations of .047
    assert set(Counter(seen[0].values())) == {0, 1, 2}


def test_labels_of_two_seeds_have_nothing_to_do_with_each_other(tmp_path):
    one, other = (fit(tmp_path, RandomLabelPrefit(1, 3, seed=seed), epochs=1).seen[0] for seed in (0, 1))
    shifts = Counter((one[x] - other[x]) % 3 for x in one)
    assert max(shifts.values()) / len(one) < 0.6


def test_data_and_module_are_left_as_they_were(tmp_path):
    data = loader(dense()).dataset
    before = [tensor.clone() for tensor in data.tensors]
    model = fit(tmp_path, RandomLabelPrefit(5, 3), data=DataLoader(data, batch_size=20))
    assert all(torch.equal(one, other) for one, other in zip(data.tensors, before, strict=True))
    assert model.seen[2] != true_labels()
    assert "training_step" not in vars(model)


def test_the_module_is_given_back_after_an_error(tmp_path):
    class Breaking(Seeing):
        def training_step(self, batch, batch_idx):
            raise RuntimeError("out of luck")

    model = Breaking()
    with pytest.raises(RuntimeError, match="out of luck"):
        fit(tmp_path, RandomLabelPrefit(2, 3), model=model)
    assert "training_step" not in vars(model)


def test_a_mapping_keeps_its_other_parts(tmp_path):
    prefit = RandomLabelPrefit(1, 3, labels="y")
    batch = {"x": torch.randn(4, 2), "y": torch.zeros(4, dtype=torch.int32), "z": 3}
    changed = prefit._with_random_labels(batch)
    assert changed["x"] is batch["x"]
    assert changed["z"] == 3
    assert changed["y"].dtype == torch.int32
    assert batch["y"].tolist() == [0] * 4


@pytest.mark.parametrize("labels", [0, 2, "y"])
def test_a_batch_without_such_labels_is_a_misconfiguration(tmp_path, labels):
    with pytest.raises(MisconfigurationException, match="an index or a key of integer classes in a batch is required"):
        fit(tmp_path, RandomLabelPrefit(1, 3, labels=labels))
