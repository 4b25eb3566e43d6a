"""Small modules whose outputs are no classes, and what they learn from; many of their batches hold integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

INPUTS = 96


class Run(NamedTuple):
    """A module that learns no classes.

    Attributes:
        build: Makes the module.
        columns: Makes the tensors of the data, a row for each example.
        task: What the report says of it.
        reason: A part of the reason why the alarm abstains.
    """

    build: Callable[[], pl.LightningModule]
    columns: Callable[[], tuple[Tensor, ...]]
    task: str
    reason: str
    views: int = 1


RUNS: dict[str, Run] = {}


def learns(name: str, columns: Callable[[], tuple[Tensor, ...]], *, task: str, reason: str, views: int = 1) -> Any:
    """Enter a module into the table."""

    def enter(build: Any) -> Any:
        RUNS[name] = Run(build, columns, task, reason, views)
        return build

    return enter


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(INPUTS, *shape, generator=torch.Generator().manual_seed(seed))


def whole(high: int, *shape: int) -> Tensor:
    return torch.randint(high, (INPUTS, *shape), generator=torch.Generator().manual_seed(3))


def labelled() -> tuple[Tensor, Tensor]:
    """Rows with labels of three classes, of which a step need not take notice."""
    return random(8), whole(3)


def layers(*widths: int) -> nn.Sequential:
    first = [nn.Linear(widths[0], widths[1]), nn.ReLU(), nn.Dropout(0.2)]
    return nn.Sequential(*first, nn.Linear(widths[1], widths[2]), nn.ReLU(), nn.Linear(widths[2], widths[3]))


class Step(pl.LightningModule):
    """Both steps are one and the same; ``net`` is a perceptron with dropout."""

    outputs = 3

    def __init__(self):
        super().__init__()
        self.net = layers(8, 16, 12, self.outputs)

    def loss(self, *batch):
        raise NotImplementedError

    def training_step(self, batch, batch_idx):
        return self.loss(*batch)

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.loss(*batch))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1e-2)


# Regressions


@learns("one target", lambda: (random(8), random()), task="regression", reason="mse_loss")
class OneTarget(Step):
    outputs = 1

    def loss(self, x, y):
        return functional.mse_loss(self.net(x)[:, 0], y)


@learns("several targets", lambda: (random(8), random(3)), task="regression", reason="mse_loss")
class SeveralTargets(Step):
    def loss(self, x, y):
        return functional.mse_loss(self.net(x), y)


@learns(
    "several targets, losses in training alone", lambda: (random(8), random(3)), task="regression", reason="l1_loss"
)
class LossesInTrainingAlone(Step):
    def loss(self, x, y):
        return functional.l1_loss(self.net(x), y)

    def validation_step(self, batch, batch_idx):
        self.net(batch[0])


@learns("several targets, the loss is a module", lambda: (random(8), random(3)), task="regression", reason="huber_loss")
class LossModule(Step):
    def __init__(self):
        super().__init__()
        self.criterion = nn.HuberLoss()

    def loss(self, x, y):
        return self.criterion(self.net(x), y)


@learns("ratings", lambda: (random(8), whole(5)), task="regression", reason="mse_loss")
class Ratings(Step):
    """Integers below the number of outputs, each of which predicts them."""

    outputs = 6

    def loss(self, x, y):
        predicted = self.net(x)
        return functional.mse_loss(predicted, y[:, None].expand_as(predicted).float())


@learns("counts", lambda: (random(8), whole(40)), task="unknown", reason="unknown")
class Counts(Step):
    """More than there are outputs: shape and rate of a distribution of counts."""

    outputs = 2

    def loss(self, x, y):
        shape, rate = functional.softplus(self.net(x)).add(0.1).unbind(1)
        return -torch.distributions.NegativeBinomial(shape, logits=-rate).log_prob(y.float()).mean()


@learns("quantiles", lambda: (random(8), random()), task="unknown", reason="unknown")
class Quantiles(Step):
    def loss(self, x, y):
        errors = y[:, None] - self.net(x)
        shares = torch.tensor([0.1, 0.5, 0.9])
        return torch.maximum(shares * errors, (shares - 1) * errors).mean()


@learns("mixture of densities", lambda: (random(8), random()), task="unknown", reason="unknown")
class MixtureOfDensities(Step):
    outputs = 12

    def loss(self, x, y):
        weights, means, widths = self.net(x).chunk(3, 1)
        parts = torch.distributions.Normal(means, functional.softplus(widths) + 0.1).log_prob(y[:, None])
        return -(weights.log_softmax(1) + parts).logsumexp(1).mean()


@learns(
    "values of actions",
    lambda: (random(8), whole(4), random(), random(8, seed=1)),
    task="regression",
    reason="smooth_l1_loss",
)
class ValuesOfActions(Step):
    """The actions are integers below the number of outputs, but only choose one of them."""

    outputs = 4

    def loss(self, state, action, reward, after):
        value = self.net(state).gather(1, action[:, None])[:, 0]
        with torch.no_grad():
            target = reward + 0.9 * self.net(after).amax(1)
        return functional.smooth_l1_loss(value, target)


@learns("forecast of several steps", lambda: (random(10, 5), random(4)), task="regression", reason="mse_loss")
class Forecast(Step):
    def __init__(self):
        super().__init__()
        self.net, self.out = nn.LSTM(5, 12, batch_first=True), nn.Linear(12, 4)

    def loss(self, x, y):
        return functional.mse_loss(self.out(self.net(x)[0][:, -1]), y)


# Outputs like the inputs, on labelled data


@learns("autoencoder on labelled data", labelled, task="regression", reason="mse_loss")
class Autoencoder(Step):
    outputs = 8

    def loss(self, x, y):
        return functional.mse_loss(self.net(x), x)


@learns("VAE on labelled data", labelled, task="none", reason="binary_cross_entropy_with_logits")
class Vae(Step):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = layers(8, 16, 12, 8), layers(4, 12, 16, 8)

    def loss(self, x, y):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        code = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum(1).mean() / 2
        return functional.binary_cross_entropy_with_logits(self.decoder(code), x.sigmoid()) + 0.1 * divergence


@learns("denoising of labelled images", lambda: (random(1, 8, 10), whole(3)), task="regression", reason="mse_loss")
class Denoising(Step):
    def __init__(self):
        super().__init__()
        hidden = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 3, padding=1), nn.ReLU()]
        self.net = nn.Sequential(*hidden, nn.Conv2d(6, 1, 3, padding=1))

    def loss(self, x, y):
        return functional.mse_loss(self.net(x + 0.3 * torch.randn_like(x)), x)


@learns(
    "generator and discriminator on labelled data", labelled, task="none", reason="binary_cross_entropy_with_logits"
)
class Gan(Step):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.discriminator = layers(4, 12, 16, 8), layers(8, 16, 12, 1)

    def losses(self, real):
        fake = self.generator(torch.randn(len(real), 4))
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        judged = functional.binary_cross_entropy_with_logits(self.discriminator(real), ones)
        judged = judged + functional.binary_cross_entropy_with_logits(self.discriminator(fake.detach()), zeros)
        return functional.binary_cross_entropy_with_logits(self.discriminator(fake), ones), judged

    def training_step(self, batch, batch_idx):
        for number, optimizer in enumerate(self.optimizers()):
            optimizer.zero_grad()
            self.manual_backward(self.losses(batch[0])[number])
            optimizer.step()

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.losses(batch[0])[1])

    def configure_optimizers(self):
        return [torch.optim.SGD(part.parameters(), lr=1e-2) for part in (self.generator, self.discriminator)]


# Embeddings, scores, and several labels at once


@learns(
    "several labels", lambda: (random(8), whole(2, 5).float()), task="none", reason="binary_cross_entropy_with_logits"
)
class SeveralLabels(Step):
    outputs = 5

    def loss(self, x, y):
        return functional.binary_cross_entropy_with_logits(self.net(x), y)


@learns(
    "several labels as integers", lambda: (random(8), whole(2, 5)), task="none", reason="multilabel_soft_margin_loss"
)
class SeveralIntegerLabels(Step):
    outputs = 5

    def loss(self, x, y):
        return functional.multilabel_soft_margin_loss(self.net(x), y.float())


@learns("two views of labelled data", labelled, task="unknown", reason="unknown", views=2)
class TwoViews(Step):
    """Its cross entropy is one of the similarities of examples, not of the outputs."""

    outputs = 8

    def loss(self, x, y):
        views = torch.cat([x + 0.1 * torch.randn_like(x), x + 0.1 * torch.randn_like(x)])
        embedded = functional.normalize(self.net(views))
        similarity = (embedded @ embedded.T / 0.5).fill_diagonal_(-1e9)
        return functional.cross_entropy(similarity, torch.arange(2 * len(x)).roll(len(x)))


@learns("pairs of images and texts", lambda: (random(8), random(8, seed=1), whole(3)), task="unknown", reason="unknown")
class Pairs(Step):
    outputs = 8

    def __init__(self):
        super().__init__()
        self.other = layers(8, 16, 12, 8)

    def loss(self, image, text, y):
        similarity = functional.normalize(self.net(image)) @ functional.normalize(self.other(text)).T
        return functional.cross_entropy(similarity, torch.arange(len(image)))


@learns("triplets of labelled data", labelled, task="none", reason="triplet_margin_loss")
class Triplets(Step):
    outputs = 8

    def loss(self, x, y):
        embedded, same = self.net(x), y[:, None] == y
        distances = torch.cdist(embedded, embedded).detach()
        farthest, nearest = distances.masked_fill(~same, -1).argmax(1), distances.masked_fill(same, 99).argmin(1)
        return functional.triplet_margin_loss(embedded, embedded[farthest], embedded[nearest])


@learns(
    "pairs that are alike or not",
    lambda: (random(8), random(8, seed=1), whole(2)),
    task="none",
    reason="cosine_embedding_loss",
)
class Alike(Step):
    outputs = 8

    def loss(self, x, other, y):
        return functional.cosine_embedding_loss(self.net(x), self.net(other), 2 * y - 1)


@learns("ranking", lambda: (random(8), random(8, seed=1), whole(2)), task="none", reason="margin_ranking_loss")
class Preferences(Step):
    outputs = 1

    def loss(self, x, other, y):
        return functional.margin_ranking_loss(self.net(x)[:, 0], self.net(other)[:, 0], 2 * y - 1, margin=0.1)


@learns("survival", lambda: (random(8), random().exp(), whole(2)), task="none", reason="no classes")
class Survival(Step):
    outputs = 1

    def loss(self, x, time, event):
        risk = self.net(x)[time.argsort(descending=True), 0]
        return -((risk - risk.logcumsumexp(0)) * event).mean()


@learns(
    "survival in intervals",
    lambda: (random(8), whole(6), whole(2)),
    task="none",
    reason="binary_cross_entropy_with_logits",
)
class SurvivalInIntervals(Step):
    """Interval and event are integers below the number of outputs."""

    outputs = 6

    def loss(self, x, interval, event):
        now = torch.arange(6) == interval[:, None]
        reached = torch.arange(6) <= interval[:, None]
        hazards = self.net(x)
        return functional.binary_cross_entropy_with_logits(
            hazards, (now & (event[:, None] == 1)).float(), reached.float()
        )


# Classes of positions, not of examples


@learns("language model", lambda: (whole(20, 9),), task="none", reason="no classes")
class LanguageModel(Step):
    def __init__(self):
        super().__init__()
        self.embedding, self.net, self.out = nn.Embedding(20, 8), nn.GRU(8, 12, batch_first=True), nn.Linear(12, 20)

    def loss(self, tokens):
        logits = self.out(self.net(self.embedding(tokens[:, :-1]))[0])
        return functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


@learns("segmentation", lambda: (random(1, 8, 10), whole(3, 8, 10)), task="none", reason="no classes")
class Segmentation(Step):
    def __init__(self):
        super().__init__()
        hidden = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 3, padding=1), nn.ReLU()]
        self.net = nn.Sequential(*hidden, nn.Conv2d(6, 3, 1))

    def loss(self, x, y):
        return functional.cross_entropy(self.net(x), y)
