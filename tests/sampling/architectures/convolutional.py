"""Networks of convolutions for images: torchvision's and timm's families by structure."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tests.sampling.architectures import images, labelled_images, reads


class ConvNormActivation(nn.Sequential):
    """As in torchvision, a class of its own with one convolution."""

    def __init__(self, inputs, outputs, size=3, stride=1, groups=1):
        convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs)
        changes = stride > 1 or inputs != outputs
        self.downsample = nn.Conv2d(inputs, outputs, 1, stride) if changes else None

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + identity)


class Bottleneck(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1, self.conv2 = ConvNormActivation(inputs, 4, 1), ConvNormActivation(4, 4, 3, stride)
        self.conv3, self.downsample = nn.Conv2d(4, outputs, 1), nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        return (self.conv3(self.conv2(self.conv1(x))) + self.downsample(x)).relu_()


class ResNet(nn.Module):
    def __init__(self, *stages):
        super().__init__()
        self.conv1, self.bn1, self.maxpool = nn.Conv2d(3, 8, 7, 2, 3), nn.BatchNorm2d(8), nn.MaxPool2d(3, 2, 1)
        for number, blocks in enumerate(stages, 1):
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
        self.depth, self.avgpool, self.fc = len(stages), nn.AdaptiveAvgPool2d(1), nn.Linear(24, 3)

    def forward(self, x):
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        for number in range(1, self.depth + 1):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(self.avgpool(x).flatten(1))


@reads(
    "ResNet, stages of several blocks and of one",
    labelled_images,
    {"layer1.0": 8, "layer1.1": 8, "layer2.0": 12, "layer3.0": 24, "layer3.1": 24},
    head="fc",
    task="classification",
)
def resnet():
    first, last = [BasicBlock(8, 8), BasicBlock(8, 8)], [BasicBlock(12, 24, 2), BasicBlock(24, 24)]
    return ResNet(first, [BasicBlock(8, 12, 2)], last)


@reads("ResNet of bottlenecks, one in each stage", images, {"layer1.0": 16, "layer2.0": 24}, head="fc", task="assumed")
def resnet_of_bottlenecks():
    return ResNet([Bottleneck(8, 16)], [Bottleneck(16, 24, 2)])


class NetworkBlock(nn.Module):
    """A stage as a class of its own, as in the common Wide ResNet."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.layer = nn.Sequential(BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs))

    def forward(self, x):
        return self.layer(x)


@reads(
    "Wide ResNet, stages as a class of their own",
    images,
    {"block1.layer.0": 8, "block1.layer.1": 8, "block2.layer.0": 12, "block2.layer.1": 12},
    head="fc",
    task="assumed",
)
class WideResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.block1, self.block2 = NetworkBlock(4, 8, 1), NetworkBlock(8, 12, 2)
        self.fc = nn.Linear(12, 3)

    def forward(self, x):
        x = self.block2(self.block1(self.conv1(x)))
        return self.fc(functional.adaptive_avg_pool2d(x, 1).view(-1, 12))


@reads(
    "VGG",
    images,
    {"features.0": 8, "features.2": 8, "features.5": 12, "classifier.0": 32, "classifier.3": 32},
    head="classifier.6",
    task="assumed",
)
class Vgg(nn.Module):
    def __init__(self):
        super().__init__()
        conv = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 12, 3, padding=1)]
        first = [conv[0], nn.ReLU(True), conv[1], nn.ReLU(True), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*first, conv[2], nn.ReLU(True), nn.MaxPool2d(2))
        self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
        hidden = [nn.Linear(48, 32), nn.ReLU(True), nn.Dropout(), nn.Linear(32, 32), nn.ReLU(True), nn.Dropout()]
        self.classifier = nn.Sequential(*hidden, nn.Linear(32, 3))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Fire(nn.Module):
    def __init__(self, inputs, squeezed, outputs):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, outputs, 1)
        self.expand3x3 = nn.Conv2d(squeezed, outputs, 3, padding=1)

    def forward(self, x):
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)


@reads(
    "SqueezeNet, whose head is a convolution",
    labelled_images,
    {"features.2": 16, "features.3": 24},
    head="classifier.4",
    task="classification",
)
class SqueezeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(True), Fire(8, 4, 8), Fire(16, 4, 12))
        pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(24, 3, 1), nn.ReLU(True), pool, nn.Flatten())

    def forward(self, x):
        return self.classifier(self.features(x))


class DenseLayer(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 16, 1)
        self.norm2, self.conv2 = nn.BatchNorm2d(16), nn.Conv2d(16, 5, 3, padding=1)

    def forward(self, maps):
        x = torch.cat(maps, 1)
        return self.conv2(self.norm2(self.conv1(self.norm1(x).relu())).relu())


class DenseBlock(nn.ModuleDict):
    def __init__(self, inputs):
        super().__init__({f"denselayer{number}": DenseLayer(inputs + 5 * (number - 1)) for number in (1, 2)})

    def forward(self, x):
        maps = [x]
        for layer in self.values():
            maps.append(layer(maps))
        return torch.cat(maps, 1)


@reads(
    "DenseNet, blocks that hand on all their maps",
    images,
    {f"features.{block}.denselayer{number}": 5 for block in (1, 3) for number in (1, 2)},
    head="classifier",
    task="assumed",
)
class DenseNet(nn.Module):
    def __init__(self):
        super().__init__()
        transition = nn.Sequential(nn.BatchNorm2d(18), nn.ReLU(True), nn.Conv2d(18, 9, 1), nn.AvgPool2d(2, 2))
        blocks = [DenseBlock(8), transition, DenseBlock(9)]
        self.features = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3), *blocks, nn.BatchNorm2d(19))
        self.classifier = nn.Linear(19, 3)

    def forward(self, x):
        return self.classifier(self.features(x).relu_().mean((2, 3)))


class Inception(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.branch1 = ConvNormActivation(inputs, 4, 1)
        self.branch2 = nn.Sequential(ConvNormActivation(inputs, 4, 1), ConvNormActivation(4, 8))
        self.branch3 = nn.Sequential(ConvNormActivation(inputs, 2, 1), ConvNormActivation(2, 4))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), ConvNormActivation(inputs, 4, 1))

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.children()], 1)


@reads("GoogLeNet", images, {"inception3a": 20, "inception3b": 20, "inception4a": 20}, head="fc", task="assumed")
class GoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = ConvNormActivation(3, 8, 7, 2), ConvNormActivation(8, 8, 1)
        self.inception3a, self.inception3b, self.inception4a = Inception(8), Inception(20), Inception(20)
        self.aux1 = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 7), nn.ReLU(), nn.Linear(7, 3))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(20, 3)

    def forward(self, x):
        x = self.inception3a(self.conv2(self.conv1(x)))
        aux = self.aux1(x) if self.training else None
        x = self.fc(self.avgpool(self.inception4a(self.inception3b(x))).flatten(1))
        return (x, aux) if self.training else x


class SqueezeExcitation(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)

    def forward(self, x):
        return x * self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, expand=2, stride=1, excites=False):
        super().__init__()
        wide = inputs * expand
        parts = [ConvNormActivation(inputs, wide, 1)] if expand > 1 else []
        parts += [ConvNormActivation(wide, wide, 3, stride, wide), *[SqueezeExcitation(wide)] * excites]
        self.conv = nn.Sequential(*parts, nn.Conv2d(wide, outputs, 1), nn.BatchNorm2d(outputs))
        self.adds, self.out_channels = stride == 1 and inputs == outputs, outputs

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


def mobilenet(*blocks):
    features = nn.Sequential(ConvNormActivation(3, 8, 3, 2), *blocks, ConvNormActivation(12, 32, 1))
    classifier = nn.Sequential(nn.Linear(32, 20), nn.Hardswish(True), nn.Dropout(0.2), nn.Linear(20, 3))
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), classifier)


@reads("MobileNetV2", images, {"0.1": 4, "0.2": 4, "0.3": 12}, head="3.3", task="assumed")
def mobilenet_v2():
    return mobilenet(InvertedResidual(8, 4, 1), InvertedResidual(4, 4), InvertedResidual(4, 12, 2, 2))


@reads("MobileNetV3, with squeeze and excitation", images, {"0.1": 8, "0.2": 12}, head="3.3", task="assumed")
def mobilenet_v3():
    return mobilenet(InvertedResidual(8, 8, 1, 2, True), InvertedResidual(8, 12, 2, 1, True))


@reads(
    "EfficientNet, sequences of blocks in a sequence",
    images,
    {"0.1.0": 8, "0.2.0": 12, "0.2.1": 12},
    head="3.3",
    task="assumed",
)
def efficientnet():
    second = nn.Sequential(InvertedResidual(8, 12, 2, 2, True), InvertedResidual(12, 12, 2, 1, True))
    return mobilenet(nn.Sequential(InvertedResidual(8, 8, 1, 1, True)), second)


class AnyStage(nn.Sequential):
    def __init__(self, inputs, outputs, depth):
        super().__init__()
        for number in range(depth):
            self.add_module(f"block{number}", Bottleneck(outputs if number else inputs, outputs, 1 if number else 2))


@reads(
    "RegNet, stages derived from Sequential",
    images,
    {"trunk.block1.block0": 8, "trunk.block2.block0": 12, "trunk.block2.block1": 12},
    head="fc",
    task="assumed",
)
class RegNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvNormActivation(3, 8, 3, 2)
        self.trunk = nn.Sequential()
        self.trunk.add_module("block1", AnyStage(8, 8, 1))
        self.trunk.add_module("block2", AnyStage(8, 12, 2))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(12, 3)

    def forward(self, x):
        return self.fc(self.avgpool(self.trunk(self.stem(x))).flatten(start_dim=1))


@reads(
    "a plain network of convolutions that ends in its pooling",
    images,
    {"0": 8, "2": 12},
    head="6",
    task="assumed",
)
def fully_convolutional():
    last = [nn.Conv2d(12, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3), nn.ReLU(), *last)


class NumberedStage(nn.Module):
    """As timm's RegNet has it: blocks are attributes with numbers."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.b1, self.b2 = Bottleneck(inputs, outputs, 2), Bottleneck(outputs, outputs)

    def forward(self, x):
        for block in self.children():
            x = block(x)
        return x


@reads(
    "timm's RegNet, blocks numbered in a stage of its own",
    images,
    {"1.b1": 8, "1.b2": 8, "2.b1": 12, "2.b2": 12},
    head="5",
    task="assumed",
)
def numbered_stages():
    last = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3)]
    return nn.Sequential(ConvNormActivation(3, 8, 3, 2), NumberedStage(8, 8), NumberedStage(8, 12), *last)


class MaxVitLayer(nn.Module):
    """As torchvision has it: the parts stand in a sequence by name, and two are of one class."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.layers = nn.Sequential()
        self.layers.add_module("convolution", InvertedResidual(inputs, outputs, 2, 2))
        self.layers.add_module("window", InvertedResidual(outputs, outputs))
        self.layers.add_module("grid", InvertedResidual(outputs, outputs))

    def forward(self, x):
        return self.layers(x)


@reads("MaxViT, a block of parts by name", images, {"0": 8, "1": 12}, head="4", task="assumed")
def maxvit():
    last = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3)]
    return nn.Sequential(MaxVitLayer(3, 8), MaxVitLayer(8, 12), *last)
