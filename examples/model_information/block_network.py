"""A small convolutional network for 8 x 8 images, made of separate blocks."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["BlockNetwork"]

_CHANNELS = (8, 16, 32)


class BlockNetwork(nn.Module):
    """Three blocks of two convolutions with batch norm, at 8 x 8, 4 x 4 and 2 x 2 pixels, and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [_block(before, after) for before, after in zip((1, *_CHANNELS), _CHANNELS, strict=False)]
        self.block1, self.block2, self.block3 = blocks
        self.head = nn.Linear(_CHANNELS[-1], 10)

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``[samples, 8, 8]`` to class scores ``[samples, 10]``."""
        hidden = self.block1(images[:, None])
        hidden = self.block2(nn.functional.max_pool2d(hidden, 2))
        hidden = self.block3(nn.functional.max_pool2d(hidden, 2))
        scores: Tensor = self.head(hidden.mean((2, 3)))
        return scores


def _block(before: int, after: int) -> nn.Module:
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)
