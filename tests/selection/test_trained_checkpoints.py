"""The whole way: trained by Lightning with the monitor, saved by ModelCheckpoint, ranked from the files."""

from __future__ import annotations

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem.callbacks.memorization_monitor import MemorizationMonitor
from lightning_infomem.selection.rank_checkpoints import rank_checkpoints

INPUTS = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))


class Network(LightningModule):
    def __init__(self, learning_rate):
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))

    def forward(self, inputs):
        return self.layers(inputs)

    def training_step(self, batch):
        return self(batch[0]).square().mean()

    def validation_step(self, batch):
        self.log("val_loss", self(batch[0]).square().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), self.hparams.learning_rate)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    loader = DataLoader(TensorDataset(INPUTS), batch_size=20)
    checkpoints = []
    for name, rate in (("slow", 1e-4), ("fast", 3e-1)):
        torch.manual_seed(0)
        checkpoint = ModelCheckpoint(folder / name, monitor="val_loss", save_last="link")
        trainer = Trainer(
            max_epochs=2,
            callbacks=[MemorizationMonitor(), checkpoint],
            logger=False,
            accelerator="cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(Network(rate), loader, loader)
        checkpoints.append(checkpoint)
    return folder, checkpoints


def test_a_folder_of_trained_checkpoints_is_ranked(zoo):
    folder, checkpoints = zoo
    ranking = rank_checkpoints(folder, memorization="heuristic")
    # The links named last.ckpt do not count.
    assert sorted(row.path.parent.name for row in ranking.rows) == ["fast", "slow"]
    assert ranking.layers == ("layers.0", "layers.2")
    assert ranking.skipped == {}
    assert not any("another step" in note for note in ranking.notes)
    for row in ranking.rows:
        [checkpoint] = [each for each in checkpoints if each.best_model_path == str(row.path)]
        assert row.metrics == {"val_loss": pytest.approx(checkpoint.best_model_score.item(), abs=0)}


def test_measuring_again_gives_what_the_callback_measured(zoo, tmp_path):
    folder, _ = zoo
    for path in folder.rglob("*.ckpt"):
        if not path.is_symlink():
            stripped = {**torch.load(path, weights_only=True), "callbacks": {}}
            torch.save(stripped, tmp_path / f"{path.parent.name}.ckpt")
    carried = rank_checkpoints(folder)
    measured = rank_checkpoints(tmp_path, model=Network(0.0), data=[INPUTS], groups=lambda path: path.stem)
    by_run = {row.path.parent.name: row for row in carried.rows}
    for row in measured.rows:
        # The same samples in one batch instead of two: float32 matrix products may round differently.
        assert row.mutual_information == pytest.approx(by_run[row.path.stem].mutual_information, abs=1e-6)
        assert row.entropy == pytest.approx(by_run[row.path.stem].entropy, abs=1e-6)
