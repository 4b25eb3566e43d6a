"""ResNet-18, of which the paper measures the four stages."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["STAGES", "ResNet18"]

STAGES = ("stage1", "stage2", "stage3", "stage4")
_SMALL = 64  # pixels; smaller images are not reduced before the first stage


class ResNet18(nn.Module):
    """Four stages of two residual blocks. Each stage after the first halves the side and doubles the channels.

    Images of at least 64 pixels first pass a 7 x 7 convolution with stride 2 and pooling with stride 2; smaller images
    pass only a 3 x 3 convolution.

    Args:
        num_classes: Number of logits.
        image_side: Side of the inputs, in pixels.
        width: Number of channels of the first stage.

    Reference:
        He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, table 1 (18 layers) and section 4.2.
    """

    def __init__(self, num_classes: int, *, image_side: int, width: int = 64) -> None:
        super().__init__()
        if image_side < _SMALL:
            self.stem = nn.Sequential(_convolution(3, width, side=3), nn.BatchNorm2d(width), nn.ReLU())
        else:
            first = _convolution(3, width, side=7, stride=2)
            pool = nn.MaxPool2d(3, stride=2, padding=1)
            self.stem = nn.Sequential(first, nn.BatchNorm2d(width), nn.ReLU(), pool)
        self.stage1 = nn.Sequential(_Block(width, width, 1), _Block(width, width, 1))
        self.stage2 = nn.Sequential(_Block(width, 2 * width, 2), _Block(2 * width, 2 * width, 1))
        self.stage3 = nn.Sequential(_Block(2 * width, 4 * width, 2), _Block(4 * width, 4 * width, 1))
        self.stage4 = nn.Sequential(_Block(4 * width, 8 * width, 2), _Block(8 * width, 8 * width, 1))
        self.head = nn.Linear(8 * width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Map ``[images, 3, side, side]`` to logits ``[images, num_classes]``."""
        maps = self.stage4(self.stage3(self.stage2(self.stage1(self.stem(images)))))
        logits: Tensor = self.head(maps.mean((2, 3)))
        return logits


class _Block(nn.Module):
    """Two convolutions whose result is added to the input, which is projected if its shape differs."""

    def __init__(self, planes_in: int, planes_out: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _convolution(planes_in, planes_out, side=3, stride=stride),
            nn.BatchNorm2d(planes_out),
            nn.ReLU(),
            _convolution(planes_out, planes_out, side=3),
            nn.BatchNorm2d(planes_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or planes_in != planes_out:
            projection = _convolution(planes_in, planes_out, side=1, stride=stride)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(planes_out))
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        summed: Tensor = self.relu(self.residual(maps) + self.shortcut(maps))
        return summed


def _convolution(planes_in: int, planes_out: int, *, side: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(planes_in, planes_out, side, stride=stride, padding=side // 2, bias=False)
