"""A table of architectures, written small, and what is to be read from each.

Every entry stands in the decorator of its network. Six examples are in a batch, and no other size is six, unless an
entry is about just that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

EXAMPLES = 6


@dataclass(frozen=True)
class Architecture:
    """A network, a batch, and what is read from the two.

    Attributes:
        build: Makes the network.
        batch: Makes the batch.
        layers: Name -> units of the layers chosen, or rows and units where the rows are not one for each example.
        head: Name of the layer whose outputs are taken for the logits.
        task: What the network is trained for, as far as can be seen.
        examples: Number of examples in the batch.
        left_out: Layers that must be named with a reason.
        options: Further arguments of `read_network`.
    """

    build: Callable[[], nn.Module]
    batch: Callable[[], Any]
    layers: Mapping[str, int | tuple[int, int]]
    head: str | None
    task: str
    examples: int = EXAMPLES
    left_out: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


ARCHITECTURES: dict[str, Architecture] = {}


def reads(name: str, batch: Callable[[], Any], layers: Mapping[str, int | tuple[int, int]], **expected: Any) -> Any:
    """Enter a network, or a function that makes one, into the table; further decorators enter it with other batches."""

    def enter(build: Any) -> Any:
        assert name not in ARCHITECTURES, f"two architectures are called {name!r}"
        ARCHITECTURES[name] = Architecture(build, batch, layers, **expected)
        return build

    return enter


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def integers(high: int, *shape: int) -> Tensor:
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(1))


def images(channels: int = 3) -> Tensor:
    """Maps of them have other sizes than there are examples or units, also at half and quarter the size."""
    return normal(EXAMPLES, channels, 18, 26)


def labels(classes: int = 3) -> Tensor:
    return integers(classes, EXAMPLES)


def labelled_images() -> tuple[Tensor, Tensor]:
    return images(), labels()


def rows(units: int = 20) -> Tensor:
    return normal(EXAMPLES, units)


def two_views() -> dict[str, Tensor]:
    return {"first": rows(), "second": rows() + 1}


def perceptron(*widths: int) -> nn.Sequential:
    parts = [part for sizes in pairwise(widths) for part in (nn.Linear(*sizes), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


class Perceptron(nn.Module):
    """The same as a class of its own."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.net = perceptron(*widths)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)
