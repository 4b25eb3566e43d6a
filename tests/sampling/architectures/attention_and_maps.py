"""Networks for images by attention, by mixing, or with channels last."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tests.sampling.architectures import EXAMPLES, images, labelled_images, normal, reads


class Permute(nn.Module):
    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, x):
        return x.permute(self.order)


class CNBlock(nn.Module):
    """Channels come last inside, and first again at the end."""

    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))
        first = [nn.Conv2d(channels, channels, 7, padding=3, groups=channels), Permute(0, 2, 3, 1)]
        inner = [
            nn.LayerNorm(channels),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
        ]
        self.block = nn.Sequential(*first, *inner, Permute(0, 3, 1, 2))

    def forward(self, x):
        return x + self.scale * self.block(x)


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


@reads(
    "ConvNeXt, channels last inside its blocks",
    images,
    {"features.1.0": 8, "features.1.1": 8, "features.3.0": 12},
    head="classifier.2",
    task="assumed",
)
class ConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, 8, 2, 2), LayerNorm2d(8))
        downsample = nn.Sequential(LayerNorm2d(8), nn.Conv2d(8, 12, 2, 2))
        first, second = nn.Sequential(CNBlock(8), CNBlock(8)), nn.Sequential(CNBlock(12))
        self.features = nn.Sequential(stem, first, downsample, second)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(LayerNorm2d(12), nn.Flatten(1), nn.Linear(12, 3))

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)))


class ConvNeXtStage(nn.Module):
    """As in timm: what makes the maps smaller, and blocks in a Sequential."""

    def __init__(self, inputs, outputs, depth):
        super().__init__()
        self.downsample = nn.Sequential(LayerNorm2d(inputs), nn.Conv2d(inputs, outputs, 2, 2))
        self.blocks = nn.Sequential(*(CNBlock(outputs) for _ in range(depth)))

    def forward(self, x):
        return self.blocks(self.downsample(x))


class ClassifierHead(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.pool, self.drop, self.fc = nn.AdaptiveAvgPool2d(1), nn.Dropout(0.1), nn.Linear(units, 3)

    def forward(self, x):
        return self.fc(self.drop(self.pool(x).flatten(1)))


@reads(
    "timm's ConvNeXt, stages of one class, head of a class of its own and declared first",
    labelled_images,
    {"stages.0.blocks.0": 12, "stages.0.blocks.1": 12, "stages.1.blocks.0": 24},
    head="head.fc",
    task="classification",
)
class StagedConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.stem = ClassifierHead(24), nn.Conv2d(3, 8, 3, 1, 1)
        self.stages = nn.Sequential(ConvNeXtStage(8, 12, 2), ConvNeXtStage(12, 24, 1))

    def forward(self, x):
        return self.head(self.stages(self.stem(x)))


class Mlp(nn.Module):
    def __init__(self, units, hidden):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(units, hidden), nn.GELU(), nn.Linear(hidden, units)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class WindowAttention(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.qkv, self.proj = nn.Linear(units, 3 * units), nn.Linear(units, units)

    def forward(self, x):
        query, key, value = self.qkv(x).chunk(3, -1)
        return self.proj(functional.scaled_dot_product_attention(query, key, value))


class SwinTransformerBlock(nn.Module):
    """Hands on maps with channels last; windows of its attention are rows of another number."""

    def __init__(self, units):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(units), WindowAttention(units)
        self.norm2, self.mlp = nn.LayerNorm(units), Mlp(units, 2 * units)

    def forward(self, x):
        count, height, width, units = x.shape
        windows = self.norm1(x).reshape(count * height, width, units)
        x = x + self.attn(windows).reshape(x.shape)
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm, self.reduction = nn.LayerNorm(4 * inputs), nn.Linear(4 * inputs, outputs, bias=False)

    def forward(self, x):
        parts = [x[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
        return self.reduction(self.norm(torch.cat(parts, -1)))


@reads(
    "Swin transformer, maps with channels last",
    lambda: normal(EXAMPLES, 3, 16, 32),
    {"features.1.0": 12, "features.1.1": 12, "features.3.0": 24, "features.3.1": 24},
    head="head",
    task="assumed",
)
class Swin(nn.Module):
    def __init__(self):
        super().__init__()
        embed = nn.Sequential(nn.Conv2d(3, 12, 2, 2), Permute(0, 2, 3, 1), nn.LayerNorm(12))
        first = nn.Sequential(SwinTransformerBlock(12), SwinTransformerBlock(12))
        second = nn.Sequential(SwinTransformerBlock(24), SwinTransformerBlock(24))
        self.features = nn.Sequential(embed, first, PatchMerging(12, 24), second)
        self.norm, self.permute = nn.LayerNorm(24), Permute(0, 3, 1, 2)
        self.avgpool, self.flatten, self.head = nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(24, 3)

    def forward(self, x):
        return self.head(self.flatten(self.avgpool(self.permute(self.norm(self.features(x))))))


class SwinStage(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.downsample = PatchMerging(inputs, outputs)
        self.blocks = nn.Sequential(SwinTransformerBlock(outputs), SwinTransformerBlock(outputs))

    def forward(self, x):
        return self.blocks(self.downsample(x))


@reads(
    "timm's Swin transformer, a stage as a class of its own",
    lambda: normal(EXAMPLES, 16, 32, 3),
    {f"layers.{stage}.blocks.{block}": units for stage, units in ((0, 12), (1, 24)) for block in (0, 1)},
    head="head",
    task="assumed",
)
class StagedSwin(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(SwinStage(3, 12), SwinStage(12, 24))
        self.norm, self.head = nn.LayerNorm(24), nn.Linear(24, 3)

    def forward(self, x):
        return self.head(self.norm(self.layers(x)).mean((1, 2)))


class EncoderBlock(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.ln_1, self.self_attention = nn.LayerNorm(units), nn.MultiheadAttention(units, 2, batch_first=True)
        self.ln_2, self.mlp = nn.LayerNorm(units), Mlp(units, 2 * units)

    def forward(self, x):
        normed = self.ln_1(x)
        x = x + self.self_attention(normed, normed, normed, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


@reads("ViT", labelled_images, {"encoder.0": 16, "encoder.1": 16}, head="heads.head", task="classification")
class VisionTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, 16))
        self.conv_proj = nn.Conv2d(3, 16, 6, 6)
        self.encoder = nn.Sequential(EncoderBlock(16), EncoderBlock(16))
        self.heads = nn.Sequential()
        self.heads.add_module("head", nn.Linear(16, 3))

    def forward(self, x):
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = self.encoder(torch.cat([self.class_token.expand(len(x), -1, -1), x], 1))
        return self.heads(x[:, 0])


class MixerBlock(nn.Module):
    """Two parts of one class, one over positions and one over channels."""

    def __init__(self, units, positions):
        super().__init__()
        self.norm1, self.mlp_tokens = nn.LayerNorm(units), Mlp(positions, 9)
        self.norm2, self.mlp_channels = nn.LayerNorm(units), Mlp(units, 32)

    def forward(self, x):
        x = x + self.mlp_tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.mlp_channels(self.norm2(x))


@reads(
    "MLP-Mixer, two parts of one class in a block",
    images,
    {"blocks.0": 16, "blocks.1": 16},
    head="head",
    task="assumed",
)
class MlpMixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 6, 6)
        self.blocks = nn.Sequential(MixerBlock(16, 12), MixerBlock(16, 12))
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.stem(x).flatten(2).transpose(1, 2))).mean(1))


class ConvMlp(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(units, 2 * units, 1), nn.Conv2d(2 * units, units, 1)

    def forward(self, x):
        return self.fc2(self.fc1(x).relu())


class PoolFormerBlock(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.norm1, self.token_mixer = nn.GroupNorm(1, units), nn.AvgPool2d(3, 1, 1)
        self.norm2, self.mlp = nn.GroupNorm(1, units), ConvMlp(units)

    def forward(self, x):
        normed = self.norm1(x)
        x = x + self.token_mixer(normed) - normed
        return x + self.mlp(self.norm2(x))


class PoolFormerStage(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.downsample = nn.Conv2d(inputs, outputs, 3, 2, 1)
        self.blocks = nn.Sequential(PoolFormerBlock(outputs), PoolFormerBlock(outputs))

    def forward(self, x):
        return self.blocks(self.downsample(x))


@reads(
    "PoolFormer",
    images,
    {f"stages.{stage}.blocks.{block}": units for stage, units in ((0, 8), (1, 12)) for block in (0, 1)},
    head="head",
    task="assumed",
)
class PoolFormer(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.Sequential(PoolFormerStage(3, 8), PoolFormerStage(8, 12))
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.stages(x).mean((2, 3)))


@reads(
    "linear layers on maps with channels last",
    lambda: normal(EXAMPLES, 5, 7, 2),
    {"0": 12, "2": 16},
    head=None,
    task="none",
)
def dense_on_maps():
    """Every position gets its own outputs: no classes of an example."""
    return nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 3))


@reads(
    "five axes: convolutions over time and space",
    lambda: normal(EXAMPLES, 2, 4, 9, 7),
    {"0": 8, "2": 12},
    head="6",
    task="assumed",
)
def video():
    last = [nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(12, 3)]
    return nn.Sequential(nn.Conv3d(2, 8, 3), nn.ReLU(), nn.Conv3d(8, 12, 1), nn.ReLU(), *last)
