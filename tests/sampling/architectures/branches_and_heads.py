"""Networks with parallel branches, with several heads, or with maps as outputs."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

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
from tests.sampling.architectures.several_networks import Student


@reads("branches in a dictionary, one for each kind of input", lambda: {"image": rows(), "text": normal(EXAMPLES, 14)},
       {"branches.image.0": 16, "branches.image.2": 12, "branches.text.0": 10, "branches.text.2": 12, "fuse": 18},
       head="head", task="assumed")  # fmt: skip
class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleDict({"image": perceptron(20, 16, 12), "text": perceptron(14, 10, 12)})
        self.fuse, self.head = nn.Linear(24, 18), nn.Linear(18, 3)

    def forward(self, **inputs):
        found = [branch(inputs[name]) for name, branch in self.branches.items()]
        return self.head(self.fuse(torch.cat(found, 1)).relu())


@reads(
    "two towers of one class",
    lambda: {"image": rows(), "text": normal(EXAMPLES, 14)},
    {"image_tower.net.0": 16, "text_tower.net.0": 10},
    head="text_tower.net.2",
    task="assumed",
)
@reads(
    "two towers that a step calls",
    lambda: {"image": rows(), "text": normal(EXAMPLES, 14)},
    {"image_tower.net.0": 16, "text_tower.net.0": 10},
    head="text_tower.net.2",
    task="assumed",
    options={
        "forward": lambda model, batch: (
            functional.normalize(model.image_tower(batch["image"]))
            @ functional.normalize(model.text_tower(batch["text"])).T
        )
    },
)
class Towers(nn.Module):
    def __init__(self):
        super().__init__()
        self.image_tower, self.text_tower = Perceptron(20, 16, 12), Perceptron(14, 10, 12)

    def forward(self, image, text):
        return self.image_tower(image), self.text_tower(text)


@reads("siamese network", two_views, {"encoder.0": 16, "encoder.2": 12}, head=None, task="none")
class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.out = perceptron(20, 16, 12), nn.Linear(12, 1)

    def forward(self, first, second):
        return self.out((self.encoder(first) - self.encoder(second)).abs())


@reads(
    "an ensemble that is averaged",
    rows,
    {"members.0.hidden": 16, "members.1.hidden": 16},
    head="members.1.fc",
    task="assumed",
)
class Ensemble(nn.Module):
    def __init__(self):
        super().__init__()
        self.members = nn.ModuleList([Student(), Student()])

    def forward(self, x):
        return torch.stack([member(x) for member in self.members]).mean(0)


@reads(
    "a head for a value and one for classes",
    lambda: (rows(), {"value": normal(EXAMPLES), "kind": labels()}),
    {"trunk.0": 16, "trunk.2": 12},
    head="kind",
    task="classification",
)
class SeveralHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.kind, self.value, self.trunk = nn.Linear(12, 3), nn.Linear(12, 1), perceptron(20, 16, 12)

    def forward(self, x):
        hidden = self.trunk(x).relu()
        return {"value": self.value(hidden), "kind": self.kind(hidden)}


@reads(
    "dueling heads of a value network",
    rows,
    {"feature.0": 16, "value.0": 10, "advantage.0": 14},
    head="advantage.2",
    task="assumed",
)
class Dueling(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature = nn.Sequential(nn.Linear(20, 16), nn.ReLU())
        self.value, self.advantage = perceptron(16, 10, 1), perceptron(16, 14, 4)

    def forward(self, x):
        hidden = self.feature(x)
        value, advantage = self.value(hidden), self.advantage(hidden)
        return value + advantage - advantage.mean(1, keepdim=True)


def different_sizes():
    pictures = [images()[index, :, : 9 + index, : 20 - index] for index in range(EXAMPLES)]
    return pictures, [{"labels": labels()[:1], "boxes": normal(1, 4)} for _ in pictures]


@reads(
    "detection in a list of images of different sizes",
    different_sizes,
    {"backbone.0": 8, "backbone.2": 12},
    head=None,
    task="none",
)
class Detection(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 12, 3, 1, 1), nn.ReLU())
        self.kinds, self.boxes = nn.Conv2d(12, 3, 1), nn.Conv2d(12, 4, 1)

    def forward(self, pictures):
        same_size = torch.cat([functional.interpolate(picture[None], size=(8, 10)) for picture in pictures])
        maps = self.backbone(same_size)
        return {"kinds": self.kinds(maps), "boxes": self.boxes(maps)}


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        first, second = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.double_conv = nn.Sequential(first, nn.BatchNorm2d(outputs), nn.ReLU(True), second, nn.ReLU(True))

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(inputs, outputs))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.up, self.conv = nn.ConvTranspose2d(inputs, outputs, 2, 2), DoubleConv(2 * outputs, outputs)

    def forward(self, x, skipped):
        return self.conv(torch.cat([skipped, self.up(x)], 1))


@reads(
    "U-Net",
    lambda: normal(EXAMPLES, 3, 16, 20),
    {"inc": 4, "down1": 8, "down2": 12, "up1": 8, "up2": 4},
    head=None,
    task="none",
)
class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.inc, self.down1, self.down2 = DoubleConv(3, 4), Down(4, 8), Down(8, 12)
        self.up1, self.up2, self.outc = Up(12, 8), Up(8, 4), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        first = self.inc(x)
        second = self.down1(first)
        return self.outc(self.up2(self.up1(self.down2(second), second), first))
