"""Networks in several parts: autoencoders, generators, views, copies, and parts that are not trained."""

from __future__ import annotations

import copy

import torch
from torch import nn

from tests.sampling.architectures import (
    EXAMPLES,
    Perceptron,
    images,
    labels,
    normal,
    perceptron,
    reads,
    rows,
    two_views,
)

# Outputs that are like the inputs


@reads(
    "autoencoder on labelled data, encoder and decoder of one class",
    lambda: (rows(), labels()),
    {"encoder.net.0": 16, "encoder.net.2": 4, "decoder.net.0": 16},
    head="decoder.net.2",
    task="assumed",
)
class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Perceptron(20, 16, 4), Perceptron(4, 16, 20)

    def forward(self, x):
        return self.decoder(self.encoder(x))


@reads(
    "autoencoder of convolutions on labelled images",
    lambda: (images(1), labels()),
    {"encoder.0": 8, "encoder.2": 12, "decoder.0": 8},
    head=None,
    task="none",
)
class ConvolutionalAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 12, 3, 1, 1))
        last = nn.ConvTranspose2d(8, 1, 3, 1, 1)
        self.decoder = nn.Sequential(nn.ConvTranspose2d(12, 8, 2, 2), nn.ReLU(), last, nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(20, 16), nn.ReLU())
        self.fc_mu, self.fc_logvar = nn.Linear(16, 4), nn.Linear(16, 4)
        self.decoder = nn.Sequential(nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, 20), nn.Sigmoid())

    def forward(self, x):
        hidden = self.encoder(x)
        mean, log_variance = self.fc_mu(hidden), self.fc_logvar(hidden)
        noise = torch.randn_like(mean) if self.training else torch.zeros_like(mean)
        return self.decoder(mean + noise * (log_variance / 2).exp()), mean, log_variance


@reads(
    "VAE that returns mean and variance too", rows, {"encoder.0": 16, "decoder.0": 12}, head="decoder.2", task="assumed"
)
def vae():
    return Vae()


@reads(
    "VAE that returns its reconstruction alone",
    rows,
    {"encoder.0": 16, "fc_mu": 4, "fc_logvar": 4, "decoder.0": 12},
    head="decoder.2",
    task="assumed",
)
class VaeOfOneOutput(Vae):
    def forward(self, x):
        return super().forward(x)[0]


@reads(
    "generator and discriminator of one class",
    rows,
    {"generator.net.0": 16, "discriminator.net.0": 12},
    head=None,
    task="none",
)
@reads(
    "generator and discriminator, which a step calls before and after",
    rows,
    {"discriminator.net.0": 12, "generator.net.0": 16},
    head=None,
    task="none",
    options={
        "forward": lambda model, real: (
            model.discriminator(real).mean() - model.discriminator(model.generator(normal(len(real), 5))).mean()
        )
    },
)
class Gan(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator, self.discriminator = Perceptron(5, 16, 20), Perceptron(20, 12, 1)

    def forward(self, real):
        fake = self.generator(normal(len(real), 5))
        return self.discriminator(real), self.discriminator(fake)


@reads(
    "images made of images, judged beside true ones",
    lambda: images(1),
    {"discriminator.0": 5, "generator.0": 8, "generator.2": 12},
    head=None,
    task="none",
)
class ImagesOfImages(nn.Module):
    def __init__(self):
        super().__init__()
        first = [nn.Conv2d(1, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 12, 3, 1, 1), nn.ReLU()]
        self.generator = nn.Sequential(*first, nn.Conv2d(12, 1, 3, 1, 1), nn.Tanh())
        self.discriminator = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.Conv2d(5, 1, 3))

    def forward(self, real):
        return self.discriminator(real), self.discriminator(self.generator(real))


# Several inputs, copies, and networks that are not trained


class Contrastive(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.projector = perceptron(20, 16, 12), perceptron(12, 16, 8)


@reads(
    "SimCLR, both views in one tensor",
    two_views,
    {"encoder.0": (12, 16), "encoder.2": (12, 12), "projector.0": (12, 16)},
    head="projector.2",
    task="assumed",
)
class SimClr(Contrastive):
    def forward(self, first, second):
        return self.projector(self.encoder(torch.cat([first, second])).relu())


@reads(
    "SimCLR, a call for each view",
    two_views,
    {"encoder.0": 16, "encoder.2": 12, "projector.0": 16},
    head="projector.2",
    task="assumed",
)
class SimClrOfTwoCalls(Contrastive):
    def forward(self, first, second):
        return [self.projector(self.encoder(view).relu()) for view in (first, second)]


@reads(
    "BYOL, with an average of the network",
    two_views,
    {"online.0": 16, "online.2": 12, "predictor.0": 16},
    head="predictor.2",
    task="assumed",
)
class Byol(nn.Module):
    def __init__(self):
        super().__init__()
        self.online = perceptron(20, 16, 12)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.predictor = perceptron(12, 16, 12)

    def forward(self, first, second):
        with torch.no_grad():
            target = self.target(second)
        return self.predictor(self.online(first)), target


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.fc = nn.Linear(20, 16), nn.Linear(16, 3)

    def forward(self, x):
        return self.fc(self.hidden(x).relu())


@reads(
    "teacher and student of one class",
    lambda: (rows(), labels()),
    {"student.hidden": 16},
    head="student.fc",
    task="classification",
)
class Distillation(nn.Module):
    def __init__(self):
        super().__init__()
        self.teacher, self.student = Student().requires_grad_(False), Student()

    def forward(self, x):
        return self.student(x), self.teacher(x)


@reads("a frozen network looks at the outputs", images, {"net.0": 8, "net.2": 12}, head=None, task="none")
class PerceptualLoss(nn.Module):
    def __init__(self):
        super().__init__()
        hidden = [nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 12, 3, 1, 1), nn.ReLU()]
        self.net = nn.Sequential(*hidden, nn.Conv2d(12, 3, 1))
        self.frozen = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3)).requires_grad_(False)

    def forward(self, x):
        image = self.net(x)
        return image, self.frozen(image)


@reads("a frozen network alone", rows, {"0": 16, "2": 12}, head="4", task="assumed")
def frozen():
    return perceptron(20, 16, 12, 3).requires_grad_(False)


@reads(
    "a frozen backbone under a trained head", rows, {"backbone.0": 16, "backbone.2": 12}, head="head", task="assumed"
)
class LinearProbe(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.head = perceptron(20, 16, 12).requires_grad_(False), nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.backbone(x).relu())


class LoraLinear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.base = nn.Linear(inputs, outputs).requires_grad_(False)
        self.lora_a, self.lora_b = nn.Linear(inputs, 2, bias=False), nn.Linear(2, outputs, bias=False)

    def forward(self, x):
        return self.base(x) + self.lora_b(self.lora_a(x))


class AdaptedBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(16), LoraLinear(16, 24), LoraLinear(24, 16)

    def forward(self, x):
        return x + self.down(self.up(self.norm(x)).relu())


@reads(
    "adapters in a frozen backbone",
    lambda: normal(EXAMPLES, 9, 5),
    {"blocks.0": 16, "blocks.1": 16},
    head="head",
    task="assumed",
)
class Adapted(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(5, 16).requires_grad_(False)
        self.blocks, self.head = nn.Sequential(AdaptedBlock(), AdaptedBlock()), nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.blocks(self.embed(x)).mean(1))
