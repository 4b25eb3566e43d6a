"""Networks of the first information plane, several seeds side by side, plain or quantised."""

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
_PER_DECADE = 10  # measurements
_FLOAT_BITS = 24  # of float32
_DECAY = 0.99  # of a range, as in `QuantizedNetwork`
_LEAST = 1e-7  # probability in a logarithm, when it is rounded: that of Keras, with which Lorenzen et al. train

# The networks at the moments of a training, oldest first, each with its epoch.
Course = list[tuple[int, nn.Module]]


@dataclass(frozen=True)
class Recipe:
    """How a source trains, with Adam.

    Attributes:
        batch: inputs of a step.
        learning_rate: of Adam.
        learnt: share of the inputs that is learnt from.
    """

    batch: int
    learning_rate: float
    learnt: float


SHWARTZ_ZIV = Recipe(512, 4e-4, 0.85)  # Shwartz-Ziv & Tishby 2017: their program; the share of their figures
LORENZEN = Recipe(256, 1e-4, 0.8)  # Lorenzen, Igel & Nielsen 2022: their program


@dataclass(frozen=True)
class Variant:
    """One of the trainings that are compared.

    Attributes:
        name: of its files.
        activation: class of the nonlinearity.
        recipe: of the training.
        bits: to which the hidden layers and the output are rounded; None: floats. More than 24 are those of floats in
            training, and the layers are rounded where they are measured, as Lorenzen et al. have it.
        prefit: epochs on shuffled labels, before the true ones.
    """

    name: str
    activation: type[nn.Module]
    recipe: Recipe
    bits: int | None = None
    prefit: int = 0

    @property
    def is_rounded(self) -> bool:
        """In training."""
        return self.bits is not None and self.bits <= _FLOAT_BITS


def moments(epochs: int) -> list[int]:
    """Epochs at which is measured: ten a decade, the first and the last, 0 before training."""
    spaced = {round(10 ** (place / _PER_DECADE)) for place in range(_PER_DECADE * 6)}
    return sorted({0, epochs, *(epoch for epoch in spaced if epoch <= epochs)})


def build(variant: Variant, seed: int) -> nn.Module:
    """A network of 12-10-7-5-4-3-2 units, softmax of the last.

    Weights are truncated normal with standard deviation ``fan_in ** -.5`` before they are cut at twice that, biases 0:
    the authors' program. Lorenzen et al. name the same with the width of the layer itself.
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
    """Which inputs a network learns: int64."""
    inputs, _ = szt_data()
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(len(inputs), generator=generator)[: int(variant.recipe.learnt * len(inputs))]


class NetworkStack:
    """Networks of one shape that are trained together: ten take little more time than one, and none feels the others.

    Args:
        networks: as `build` makes them.
        variants: of each; only their bits may differ, and either all of them are rounded in training or none.
    """

    def __init__(self, networks: Sequence[nn.Module], variants: Sequence[Variant]) -> None:
        self.networks = list(networks)
        self._activation = variants[0].activation()
        self._steps: Tensor | None = None  # [networks, 1, 1], between the lowest and the highest code
        if variants[0].is_rounded:
            self._steps = torch.tensor([2.0**each.bits - 1 for each in variants if each.bits])[:, None, None]
        linears = list(zip(*map(_linears, networks), strict=True))
        # A layer: [networks, in, out] and [networks, 1, out].
        self.weights = [nn.Parameter(torch.stack([each.weight.detach().T for each in own])) for own in linears]
        self.biases = [nn.Parameter(torch.stack([each.bias.detach()[None] for each in own])) for own in linears]
        self.ranges: list[Tensor | None] = [None] * len(linears)  # [low and high, networks, 1, 1]

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """The sum over networks of their mean losses.

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
        """What `QuantizedNetwork` makes of the output of each network, but in its own type: less exact, and faster."""
        if self._steps is None:
            return output
        ends = torch.stack(output.detach().flatten(1).aminmax(dim=1))[..., None, None]
        known = self.ranges[place]
        ends = ends if known is None else known.lerp(ends, 1 - _DECAY)
        self.ranges[place] = ends
        low, high = ends
        step = ((high - low) / self._steps).clamp_min(torch.finfo(output.dtype).tiny)  # constant: 0
        within = output.clamp(low, high)
        values = within.detach()
        return ((values - low) / step).round() * step + low + (within - values)  # the last is 0, and has the gradient

    @torch.no_grad()
    def copies(self) -> list[nn.Module]:
        """The networks as they are now, each a module of its own, in evaluation mode."""
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
    """Train networks of several seeds side by side, each as if alone.

    Epochs on shuffled labels come before epoch 0; the optimiser goes on with what it has gathered then, as in
    `RandomLabelPrefit`.

    Args:
        variants: nonlinearity and training; see `NetworkStack` for what may differ.
        seeds: of the weights, the batches, and which inputs are learnt; one a network of each variant.
        epochs: of training on true labels.

    Returns:
        Variant -> seed -> what the network was at the `moments`.
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
