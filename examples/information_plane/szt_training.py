"""Networks of the first information plane, several seeds trained together, plain or quantised."""

from __future__ import annotations

import copy
import itertools
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from examples.information_plane.szt import szt_data
from lightning_infomem.information_plane.quantization import QuantizedNetwork

__all__ = [
    "LAYERS",
    "LORENZEN",
    "SHWARTZ_ZIV",
    "Course",
    "NetworkStack",
    "Recipe",
    "Variant",
    "build",
    "learnt_rows",
    "moments",
    "train",
]

_WIDTHS = (12, 10, 7, 5, 4, 3, 2)
LAYERS = (*(f"hidden {place}" for place in range(1, len(_WIDTHS) - 1)), "output")
_PER_DECADE = 10  # measurements per decade of epochs
_FLOAT_BITS = 24  # precision of float32
_DECAY = 0.99  # decay of a range, as in `QuantizedNetwork`
_LEAST = 1e-7  # floor of rounded probabilities in a logarithm, as in Keras, which Lorenzen et al. use

# Copies of a network during training, oldest first, each with its epoch.
Course = list[tuple[int, nn.Module]]


@dataclass(frozen=True)
class Recipe:
    """Training settings of a source, with Adam.

    Attributes:
        batch: Number of inputs per step.
        learning_rate: Learning rate of Adam.
        learnt: Share of the inputs used for training.
    """

    batch: int
    learning_rate: float
    learnt: float


SHWARTZ_ZIV = Recipe(512, 4e-4, 0.85)  # Shwartz-Ziv & Tishby 2017: their program; the share of their figures
LORENZEN = Recipe(256, 1e-4, 0.8)  # Lorenzen, Igel & Nielsen 2022: their program


@dataclass(frozen=True)
class Variant:
    """One of the trainings to compare.

    Attributes:
        name: Name used for its files.
        activation: Class of the nonlinearity.
        recipe: Training settings.
        bits: Number of bits to which hidden layers and output are rounded; None for floats. With more than 24 bits,
            training uses floats and the layers are rounded when measured, as in Lorenzen et al.
        prefit: Number of epochs on shuffled labels before the true ones.
    """

    name: str
    activation: type[nn.Module]
    recipe: Recipe
    bits: int | None = None
    prefit: int = 0

    @property
    def is_rounded(self) -> bool:
        """Whether layers are rounded during training."""
        return self.bits is not None and self.bits <= _FLOAT_BITS


def moments(epochs: int) -> list[int]:
    """Epochs to measure: ten per decade, the first and the last; 0 is before training."""
    spaced = {round(10 ** (place / _PER_DECADE)) for place in range(_PER_DECADE * 6)}
    return sorted({0, epochs, *(epoch for epoch in spaced if epoch <= epochs)})


def build(variant: Variant, seed: int) -> nn.Module:
    """Build a network of 12-10-7-5-4-3-2 units with a softmax output.

    Weights are truncated normal with standard deviation ``fan_in ** -.5`` before truncation at twice that, biases are
    0, as in the authors' program. Lorenzen et al. state the same with the width of the layer itself.
    """
    generator = torch.Generator().manual_seed(seed)
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for name, (before, after) in zip(LAYERS, itertools.pairwise(_WIDTHS), strict=True):
        linear = nn.utils.skip_init(nn.Linear, before, after)
        spread = before**-0.5
        nn.init.trunc_normal_(linear.weight, std=spread, a=-2 * spread, b=2 * spread, generator=generator)
        nn.init.zeros_(linear.bias)
        parts[f"to {name}"] = linear
        parts[name] = nn.Softmax(-1) if name == "output" else variant.activation()
    network = nn.Sequential(parts)
    return network if variant.bits is None else QuantizedNetwork(network, list(LAYERS), variant.bits)


def learnt_rows(variant: Variant, seed: int) -> Tensor:
    """Indices of the training inputs, int64."""
    inputs, _ = szt_data()
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(len(inputs), generator=generator)[: int(variant.recipe.learnt * len(inputs))]


class NetworkStack:
    """Networks of one shape trained together: ten take little more time than one, and they do not interact.

    Args:
        networks: Networks made by `build`.
        variants: Variant of each network. Only their bits may differ, and either all or none are rounded in training.
    """

    def __init__(self, networks: Sequence[nn.Module], variants: Sequence[Variant]) -> None:
        self.networks = list(networks)
        self._activation = variants[0].activation()
        self._steps: Tensor | None = None  # [networks, 1, 1], number of steps between the lowest and the highest code
        if variants[0].is_rounded:
            self._steps = torch.tensor([2.0**each.bits - 1 for each in variants if each.bits])[:, None, None]
        linears = list(zip(*map(_linears, networks), strict=True))
        # Per layer: [networks, in, out] and [networks, 1, out].
        self.weights = [nn.Parameter(torch.stack([each.weight.detach().T for each in layer])) for layer in linears]
        self.biases = [nn.Parameter(torch.stack([each.bias.detach()[None] for each in layer])) for layer in linears]
        self.ranges: list[Tensor | None] = [None] * len(linears)  # [low and high, networks, 1, 1]

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Sum over networks of their mean losses.

        Args:
            inputs: float ``[networks, rows, 12]``.
            labels: int64 ``[networks, rows]``.
        """
        hidden = inputs
        for place, (weight, bias) in enumerate(zip(self.weights[:-1], self.biases[:-1], strict=True)):
            hidden = self._rounded(place, self._activation(torch.baddbmm(bias, hidden, weight)))
        logits = torch.baddbmm(self.biases[-1], hidden, self.weights[-1])
        if self._steps is None:
            logs = logits.log_softmax(-1)
        else:
            logs = self._rounded(len(self.weights) - 1, logits.softmax(-1)).clamp_min(_LEAST).log()
        return nn.functional.nll_loss(logs.flatten(0, 1), labels.flatten()) * len(self.networks)

    def _rounded(self, place: int, output: Tensor) -> Tensor:
        """Round like `QuantizedNetwork`, but in the dtype of the output: faster and less exact."""
        if self._steps is None:
            return output
        ends = torch.stack(output.detach().flatten(1).aminmax(dim=1))[..., None, None]
        known = self.ranges[place]
        ends = ends if known is None else known.lerp(ends, 1 - _DECAY)
        self.ranges[place] = ends
        low, high = ends
        step = ((high - low) / self._steps).clamp_min(
            torch.finfo(output.dtype).tiny
        )  # avoids 0 / 0 for a constant output
        within = output.clamp(low, high)
        values = within.detach()
        return (
            ((values - low) / step).round() * step + low + (within - values)
        )  # the last term is 0 and carries the gradient

    @torch.no_grad()
    def copies(self) -> list[nn.Module]:
        """Copies of the current networks, each a separate module in evaluation mode."""
        for place, network in enumerate(self.networks):
            for linear, weight, bias in zip(_linears(network), self.weights, self.biases, strict=True):
                linear.weight.copy_(weight[place].T)
                linear.bias.copy_(bias[place, 0])
            if isinstance(network, QuantizedNetwork):
                for quantizer, known in zip(network.quantizers, self.ranges, strict=True):
                    if known is not None:
                        quantizer.low.copy_(known[0, place, 0, 0])
                        quantizer.high.copy_(known[1, place, 0, 0])
        return [copy.deepcopy(network).eval() for network in self.networks]


def _linears(network: nn.Module) -> list[nn.Linear]:
    return [module for module in network.modules() if isinstance(module, nn.Linear)]


def train(variants: Sequence[Variant], seeds: Sequence[int], epochs: int) -> list[list[Course]]:
    """Train networks of several seeds together, each as if alone.

    Epochs on shuffled labels come before epoch 0; the optimiser keeps its state afterwards, as in `RandomLabelPrefit`.

    Args:
        variants: Nonlinearity and training; see `NetworkStack` for what may differ.
        seeds: Seeds of weights, batches and the choice of training inputs; one network per seed and variant.
        epochs: Number of epochs on true labels.

    Returns:
        Variant -> seed -> networks at the `moments`.
    """
    inputs, labels = szt_data()
    variant, pairs = variants[0], list(itertools.product(variants, seeds))
    learnt = torch.stack([learnt_rows(*pair) for pair in pairs])
    generators = [torch.Generator().manual_seed(seed) for _, seed in pairs]
    shuffled = torch.stack([labels[torch.randperm(len(labels), generator=each)] for each in generators])
    true = labels.expand_as(shuffled)
    stack = NetworkStack([build(*pair) for pair in pairs], [each for each, _ in pairs])
    optimizer = torch.optim.Adam([*stack.weights, *stack.biases], variant.recipe.learning_rate, fused=True)
    courses: list[Course] = [[] for _ in pairs]
    due = set(moments(epochs))
    for epoch in range(-variant.prefit, epochs + 1):
        if epoch in due:
            for course, network in zip(courses, stack.copies(), strict=True):
                course.append((epoch, network))
        if epoch == epochs:
            break
        order = torch.stack([torch.randperm(learnt.shape[1], generator=each) for each in generators])
        for rows in learnt.gather(1, order).split(variant.recipe.batch, dim=1):
            loss = stack.loss(inputs[rows], (shuffled if epoch < 0 else true).gather(1, rows))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return [courses[start : start + len(seeds)] for start in range(0, len(pairs), len(seeds))]
