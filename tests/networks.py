"""Small Lightning modules and data that the tests train."""

import lightning.pytorch
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.modules import module as all_modules
from torch.utils.data import DataLoader, TensorDataset


class _Steps:
    """What a classifier of three classes does, in either package's LightningModule."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)

    def training_step(self, batch, batch_idx):
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        self.log("val_loss", nn.functional.cross_entropy(self(batch[0]), batch[1]), add_dataloader_idx=False)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Classifier(_Steps, pl.LightningModule):
    """Any network as a classifier."""


class UnifiedClassifier(_Steps, lightning.pytorch.LightningModule):
    """The same for the Trainer of the package ``lightning``."""


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x):
        return torch.relu_(x + self.body(x))


class Encoder(nn.Module):
    """Token numbers to classes by a transformer encoder."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 12)
        layer = nn.TransformerEncoderLayer(12, 2, 16, batch_first=True, dropout=0.1)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(12, 3)

    def forward(self, tokens):
        return self.head(self.encoder(self.embedding(tokens)).mean(1))


def mlp():
    return nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 3))


def resnet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), Residual(6), Residual(6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
    )


def loader(inputs, batch_size=16):
    """A loader of inputs with random labels of three classes."""
    labels = torch.randint(0, 3, (len(inputs),), generator=torch.Generator().manual_seed(0))
    return DataLoader(TensorDataset(inputs, labels), batch_size=batch_size)


def dense(count=100, seed=0):
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def num_hooks(model):
    """Of all its modules, before and after the forward pass."""
    attached = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())
    global_ones = ("_global_forward_hooks", "_global_forward_hooks_with_kwargs", "_global_forward_pre_hooks")
    return attached + sum(len(getattr(all_modules, name)) for name in global_ones)


def trainer(folder, *, callbacks=(), **options):
    """A Trainer that is quiet, short and on the CPU."""
    defaults = {
        "max_epochs": 2,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "accelerator": "cpu",
        "default_root_dir": folder,
    }
    if any(isinstance(callback, pl.callbacks.ModelCheckpoint) for callback in callbacks):
        del defaults["enable_checkpointing"]
    return pl.Trainer(callbacks=list(callbacks), **{**defaults, **options})
