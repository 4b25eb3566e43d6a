"""An image as a page holds it."""

from __future__ import annotations

import base64
import struct
import zlib

import torch
from torch import Tensor

__all__ = ["embed_picture"]

_LONGEST = 256  # pixels of a side; of a larger image every second pixel is shown, or fewer
_COLORS = {1: 0, 3: 2}  # number of channels -> type of colour in a PNG file


def embed_picture(values: Tensor) -> str | None:
    """Encode an image as a PNG file in a data URI.

    Args:
        values: ``[height, width]``, or with 1 or 3 channels ``[channels, height, width]`` or ``[height, width,
            channels]``, of any range: bytes are shown as they are, everything else from its least to its largest value.

    Returns:
        The URI; None if the shape is not one of an image.

    Reference:
        Portable Network Graphics (PNG) Specification, W3C, third edition (2025).
    """
    image = _channels_last(values.detach().cpu())
    if image is None:
        return None
    step = -(-max(image.shape[:2]) // _LONGEST)
    pixels = _bytes_of(image[::step, ::step])
    height, width, channels = pixels.shape
    rows = torch.cat([torch.zeros(height, 1, dtype=torch.uint8), pixels.reshape(height, -1)], dim=1)  # 0: no filter
    header = struct.pack(">IIBBBBB", width, height, 8, _COLORS[channels], 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header)
    file += _chunk(b"IDAT", zlib.compress(rows.numpy().tobytes(), 9)) + _chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(file).decode("ascii")


def _channels_last(values: Tensor) -> Tensor | None:
    if not values.numel() or values.is_complex():
        return None
    if values.ndim == 2:
        return values[..., None] if min(values.shape) > 1 else None
    if values.ndim != 3:
        return None
    if len(values) in _COLORS:
        return values.movedim(0, 2)
    return values if values.shape[2] in _COLORS else None


def _bytes_of(image: Tensor) -> Tensor:
    if image.dtype == torch.uint8:
        return image.contiguous()
    image = image.double().nan_to_num(0.0)
    low, high = image.min(), image.max()
    share = (image - low) / (high - low) if high > low else torch.full_like(image, 0.5)
    return (255 * share).round().to(torch.uint8)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
