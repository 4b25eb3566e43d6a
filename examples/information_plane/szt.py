"""Data of Shwartz-Ziv and Tishby's information plane: 4,096 inputs of 12 bits with a symmetric rule."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["szt_data"]

_BITS = 12
# The bits are the vertices of an icosahedron; bit -> adjacent vertices of higher number.
_EDGES = {
    0: (1, 3, 5, 10, 11),
    1: (2, 3, 4, 11),
    2: (3, 4, 8, 9),
    3: (8, 10),
    4: (6, 9, 11),
    5: (6, 7, 10, 11),
    6: (7, 9, 11),
    7: (8, 9, 10),
    8: (9, 10),
}
_OPPOSITE = ((0, 9), (1, 7), (2, 5), (3, 6), (4, 10), (8, 11))


def szt_data() -> tuple[Tensor, Tensor]:
    """Return all inputs of 12 bits in counting order, most significant bit first, and their labels.

    The label of an input is 1 if ``23 n + e - 5 q - 8 a >= 99``, where n bits are set and, among pairs of set bits, e
    share an edge of the icosahedron, a are opposite, and q are neither. Values and order equal those of the published
    file, which is not read.

    Returns:
        Inputs, float32 ``[4096, 12]`` of 0 and 1, and labels, int64 ``[4096]``: 2,118 ones, H(Y) = I(X;Y) = .6926
        nats.

    Reference:
        Shwartz-Ziv & Tishby 2017, "Opening the black box of deep neural networks via information", section 3.1.

    >>> inputs, labels = szt_data()
    >>> tuple(inputs.shape), int(labels.sum())
    ((4096, 12), 2118)
    """
    numbers = torch.arange(2**_BITS)
    inputs = (numbers[:, None] >> torch.arange(_BITS - 1, -1, -1)) & 1
    num_set = inputs.sum(1)
    adjacent = sum(inputs[:, bit] * inputs[:, other] for bit, others in _EDGES.items() for other in others)
    opposite = sum(inputs[:, bit] * inputs[:, other] for bit, other in _OPPOSITE)
    neither = num_set * (num_set - 1) // 2 - adjacent - opposite
    labels = 23 * num_set + adjacent - 5 * neither - 8 * opposite >= 99
    return inputs.float(), labels.long()
