"""Small networks with quantised layers on MNIST, as chosen by Lorenzen, Igel and Nielsen (2022)."""

from __future__ import annotations

import logging
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from examples.paper.layouts.idx import Digits, read_mnist
from lightning_infomem.information_plane.plane import Plane
from lightning_infomem.information_plane.quantization import QuantizedNetwork

__all__ = [
    "BITS",
    "NETWORKS",
    "Images",
    "Plan",
    "QuantizedDigits",
    "accuracy",
    "as_planned",
    "in_batches",
    "layers_of",
    "read_images",
    "train",
]

BITS = 8
_BATCH = 256  # as in the source
# The source uses .0001 for 3,000 epochs of 235 steps; here an epoch has 32 steps, and a run a few thousand.
_LEARNING_RATE = 1e-3
_LEARNT, _HELD_OUT, _CLASSES, _SIDE = 8000, 2000, 10, 28
_PREFIX = "network.network."  # of layer names in the trained module


@dataclass(frozen=True)
class Plan:
    """Architecture and training length of one network.

    Attributes:
        name: Name used for its files.
        widths: Widths of the fully connected hidden layers.
        maps: Number of feature maps of each convolution before them.
        epochs: Number of training epochs.
    """

    name: str
    widths: Sequence[int]
    maps: Sequence[int] = ()
    epochs: int = 160

    def build(self) -> nn.Sequential:
        """Build the untrained network, which ends in probabilities; weights use the global generator, biases are 0."""
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        before, side = 1, _SIDE
        for place, maps in enumerate(self.maps, start=1):
            parts[f"convolution{place}"] = nn.Conv2d(before, maps, 3)
            parts[f"relu{place}"] = nn.ReLU()
            parts[f"pool{place}"] = nn.MaxPool2d(2)
            before, side = maps, (side - 2) // 2
        parts["flatten"] = nn.Flatten()
        before *= side**2
        for place, width in enumerate(self.widths, start=1):
            parts[f"linear{place}"] = nn.Linear(before, width)
            parts[f"hidden{place}"] = nn.ReLU()
            before = width
        parts["logits"] = nn.Linear(before, _CLASSES)
        parts["output"] = nn.Softmax(1)
        for part in parts.values():
            if isinstance(part, (nn.Conv2d, nn.Linear)):
                spread = len(part.weight) ** -0.5  # by the layer's own width, not its fan-in, as in the source
                nn.init.trunc_normal_(part.weight, 0.0, spread, -2 * spread, 2 * spread)
                nn.init.zeros_(part.get_parameter("bias"))
        return nn.Sequential(parts)

    @property
    def layers(self) -> list[str]:
        """Layers whose outputs are rounded and measured, in network order.

        For a convolution these are the pooled maps: the maximum of rounded values equals the rounded maximum.
        """
        pools = [f"pool{place}" for place in range(1, len(self.maps) + 1)]
        return [*pools, *(f"hidden{place}" for place in range(1, len(self.widths) + 1)), "output"]


# Epochs: until the training accuracy has nearly levelled off; a convolution in float64 takes five times as long.
NETWORKS = {
    plan.name: plan
    for plan in (
        Plan("bottleneck", (16, 8, 4, 2)),
        Plan("hourglass", (16, 8, 4, 2, 4, 8)),
        Plan("4x10", (10, 10, 10, 10)),
        Plan("convolution", (16,), maps=(2, 2), epochs=64),
    )
}


class Images(NamedTuple):
    """Float64 ``[images, 1, 28, 28]`` between 0 and 1, with their digits; see `read_images`."""

    learnt: TensorDataset
    held_out: TensorDataset

    @property
    def all(self) -> list[Tensor]:
        """Inputs and labels: training images first, then held-out images."""
        return [torch.cat(both) for both in zip(self.learnt.tensors, self.held_out.tensors, strict=True)]


def read_images(data_root: Path) -> Images:
    """Read 8,000 training and 2,000 held-out images, the first of each split.

    Args:
        data_root: Folder of the data; see `read_mnist`.
    """
    learnt, held_out = read_mnist(data_root)
    return Images(_tensors(learnt, _LEARNT), _tensors(held_out, _HELD_OUT))


def _tensors(shown: Digits, count: int) -> TensorDataset:
    images = torch.from_numpy(shown.images[:count, None].astype(np.float64) / 255)
    return TensorDataset(images, torch.from_numpy(shown.digits[:count]))


class QuantizedDigits(LightningModule):
    """Network with 8-bit activations and weights. The loss uses the logits, since rounded probabilities may be 0."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.network = QuantizedNetwork(plan.build(), plan.layers, BITS, weights=True)

    def forward(self, images: Tensor) -> Any:
        """Rounded probabilities."""
        return self.network(images)

    def training_step(self, batch: Sequence[Tensor], place: int) -> Tensor:
        """Cross-entropy of the logits."""
        images, labels = batch
        body, output = self.network.network[:-1], self.network.network[-1]  # type: ignore[index]
        logits = body(images)
        output(logits)  # updates the range of the output like that of the other layers
        return nn.functional.cross_entropy(logits, labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), _LEARNING_RATE, fused=True)


def layers_of(plan: Plan) -> list[str]:
    """Names of `Plan.layers` in a `QuantizedDigits`."""
    return [_PREFIX + name for name in plan.layers]


def as_planned(plane: Plane) -> Plane:
    """Rename the layers of a plane to those of `Plan.layers`."""
    return replace(
        plane,
        points={layer.removeprefix(_PREFIX): each for layer, each in plane.points.items()},
        failures={layer.removeprefix(_PREFIX): each for layer, each in plane.failures.items()},
        modules={layer.removeprefix(_PREFIX): kind for layer, kind in plane.modules.items()},
    )


def train(plan: Plan, images: Images, seed: int, epochs: int, callbacks: Sequence[Callback]) -> QuantizedDigits:
    """Train in float64, where equal activations have equal codes; see `QuantizedNetwork`."""
    for package in ("pytorch_lightning", "lightning.pytorch"):  # with both installed, either may log
        logging.getLogger(package).setLevel(logging.ERROR)
    torch.manual_seed(seed)
    model = QuantizedDigits(plan)
    order = RandomSampler(images.learnt, generator=torch.Generator().manual_seed(seed))
    batches = DataLoader(images.learnt, batch_size=None, sampler=BatchSampler(order, _BATCH, drop_last=False))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated.*")
        Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            precision="64-true",
            callbacks=list(callbacks),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(model, batches)
    return model.eval()


@torch.no_grad()
def accuracy(model: QuantizedDigits, examples: TensorDataset) -> float:
    """Share of correct decisions."""
    hits = sum(int((model(images).argmax(1) == labels).sum()) for images, labels in in_batches(examples.tensors))
    return hits / len(examples)


def in_batches(tensors: Sequence[Tensor], size: int = 1000) -> Iterator[tuple[Tensor, ...]]:
    """Split tensors into batches, in order."""
    yield from zip(*(torch.split(each, size) for each in tensors), strict=True)
