"""A classification is recognized, however its labels arrive and whatever computes its loss."""

import pytest
import pytorch_lightning as pl
import torch
import torchmetrics
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

from lightning_infomem.callbacks import MemorizationMonitor
from tests.networks import trainer

INPUTS, CLASSES = 96, 3


def inputs():
    return torch.randn(INPUTS, 8, generator=torch.Generator().manual_seed(0))


def labels():
    return torch.randint(CLASSES, (INPUTS,), generator=torch.Generator().manual_seed(1))


def pairs():
    return list(zip(inputs(), labels(), strict=True))


class Classifier(pl.LightningModule):
    """Pairs of inputs and labels, and the functional cross entropy; the others differ from it in one thing."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, CLASSES))

    def loss(self, batch):
        return functional.cross_entropy(self.net(batch[0]), batch[1])

    def training_step(self, batch, batch_idx):
        return self.loss(batch)

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.loss(batch), batch_size=16)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1e-2)

    @staticmethod
    def rows():
        return pairs()

    @classmethod
    def validation_rows(cls):
        return cls.rows()


class ByName(Classifier):
    def loss(self, batch):
        return functional.cross_entropy(self.net(batch["image"]), batch["class"])

    @staticmethod
    def rows():
        return [{"index": index, "class": y, "image": x} for index, (x, y) in enumerate(pairs())]


class Nested(Classifier):
    def loss(self, batch):
        (x, _), (y, _) = batch
        return functional.cross_entropy(self.net(x), y)

    @staticmethod
    def rows():
        return [((x, x.mean()), (y, "name")) for x, y in pairs()]


class LabelsInTrainingAlone(Classifier):
    def validation_step(self, batch, batch_idx):
        self.net(batch)

    @classmethod
    def validation_rows(cls):
        return list(inputs())


class LossModule(Classifier):
    def __init__(self):
        super().__init__()
        self.criterion = nn.CrossEntropyLoss()

    def loss(self, batch):
        return self.criterion(self.net(batch[0]), batch[1])


class OwnLoss(Classifier):
    """The labels in the batch are the only sign."""

    def loss(self, batch):
        return -self.net(batch[0]).log_softmax(1).gather(1, batch[1][:, None]).mean()


class OwnedMetric(LabelsInTrainingAlone):
    def __init__(self):
        super().__init__()
        self.accuracy = torchmetrics.classification.MulticlassAccuracy(CLASSES)

    def loss(self, batch):
        x, y = batch
        logits = self.net(x)
        self.accuracy(logits, y)
        return -logits.log_softmax(1).gather(1, y[:, None]).mean()


class MixedInTraining(Classifier):
    """Labels are mixed in training, so that targets are probabilities."""

    def training_step(self, batch, batch_idx):
        x, y = batch
        soft = functional.one_hot(y, CLASSES).float()
        return functional.cross_entropy(self.net(0.7 * x + 0.3 * x.flip(0)), 0.7 * soft + 0.3 * soft.flip(0))

    def validation_step(self, batch, batch_idx):
        self.net(batch[0])


class SortedValidation(Classifier):
    """The first validation batches hold one class alone."""

    @classmethod
    def validation_rows(cls):
        return sorted(cls.rows(), key=lambda pair: pair[1].item())


class Smoothed(Classifier):
    def loss(self, batch):
        return functional.cross_entropy(self.net(batch[0]), batch[1], label_smoothing=0.1)


class LogProbabilities(Classifier):
    def loss(self, batch):
        return functional.nll_loss(self.net(batch[0]).log_softmax(1), batch[1])


class LabelsAsColumn(Classifier):
    def loss(self, batch):
        return functional.cross_entropy(self.net(batch[0]), batch[1][:, 0])

    @staticmethod
    def rows():
        return [(x, y[None]) for x, y in pairs()]


KINDS = [
    Classifier,
    ByName,
    Nested,
    LabelsInTrainingAlone,
    LossModule,
    OwnLoss,
    OwnedMetric,
    MixedInTraining,
    SortedValidation,
    Smoothed,
    LogProbabilities,
    LabelsAsColumn,
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_classification_is_recognized(tmp_path, kind):
    torch.manual_seed(0)
    module, monitor = kind(), MemorizationMonitor()
    runner = trainer(tmp_path, callbacks=[monitor])
    runner.fit(module, DataLoader(kind.rows(), 16), DataLoader(kind.validation_rows(), 16))
    assert monitor.report.task == "classification", monitor.report.task_reason
    assert [layer.name for layer in monitor.report.layers] == ["net.0", "net.2"]
    with torch.no_grad():
        confidence = module.net(inputs()).softmax(1).amax(1).mean()
    assert float(runner.callback_metrics["infomem/confidence"]) == pytest.approx(float(confidence), abs=1e-5)
    assert (
        "measurements of the run are too few" in monitor.judgement.abstention
    )  # nothing else stands against a verdict
