"""Does a network compress? The first information plane, trained again with tanh and with ReLU.

``python -m examples.information_plane.szt_planes --output planes`` trains networks of 12-10-7-5-4-3-2 units on all
inputs of 12 bits, follows every layer through the information plane by bins, and writes a table and figures. Networks
that are there already are not trained again. ``--epochs`` and ``--repetitions`` make it shorter.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor, nn

from examples.information_plane.szt import szt_data
from lightning_infomem.information_plane.binning import Binning
from lightning_infomem.information_plane.plane import Plane, measure_plane
from lightning_infomem.information_plane.repetitions import aggregate
from lightning_infomem.plots import plot_information_plane, save_figure

__all__ = ["VARIANTS", "Variant", "main", "moments", "train"]

_WIDTHS = (12, 10, 7, 5, 4, 3, 2)
# Of the authors' program: Adam, and the share of the inputs that is learnt from.
_BATCH, _LEARNING_RATE, _TRAINED = 512, 4e-4, 0.85
_PER_DECADE = 10  # measurements


@dataclass(frozen=True)
class Variant:
    """A nonlinearity with the bins that its sources take.

    Attributes:
        name: of its files.
        activation: class of the nonlinearity.
        estimator: of the plane.
    """

    name: str
    activation: type[nn.Module]
    estimator: Binning


VARIANTS = (
    Variant("tanh", nn.Tanh, Binning(30, (-1, 1))),
    Variant("relu", nn.ReLU, Binning(100, "layer")),
)


def moments(epochs: int) -> list[int]:
    """Epochs at which is measured: ten a decade, the first and the last, 0 before training."""
    spaced = {round(10 ** (place / _PER_DECADE)) for place in range(_PER_DECADE * 6)}
    return sorted({0, epochs, *(epoch for epoch in spaced if epoch <= epochs)})


def train(
    variant: Variant, seeds: Sequence[int], epochs: int, advance: Callable[[], None] = lambda: None
) -> list[list[Plane]]:
    """Train networks of several seeds side by side, and put their hidden layers into the plane on the way.

    Each is trained as if alone: five take the time of one.

    Args:
        variant: nonlinearity and estimator.
        seeds: of the weights, the batches, and which inputs are learnt; one a network.
        epochs: of training.
        advance: called after each epoch.

    Returns:
        Of every network the planes of all 4,096 inputs, oldest first.
    """
    inputs, labels = szt_data()
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    count = int(_TRAINED * len(inputs))
    learnt = torch.stack([torch.randperm(len(inputs), generator=each)[:count] for each in generators])
    networks = [_network(variant, seed) for seed in seeds]
    weights, biases = _stacked(networks)
    optimizer = torch.optim.Adam([*weights, *biases], _LEARNING_RATE, fused=True)
    planes: list[list[Plane]] = [[] for _ in seeds]
    due = set(moments(epochs))
    for epoch in range(epochs + 1):
        if epoch in due:
            _write_back(networks, weights, biases)
            for own, network in zip(planes, networks, strict=True):
                own.append(_measure(network, variant, inputs, labels, epoch, epoch * -(-count // _BATCH)))
        if epoch == epochs:
            break
        order = torch.stack([torch.randperm(count, generator=each) for each in generators])
        for rows in learnt.gather(1, order).split(_BATCH, dim=1):
            hidden = inputs[rows]
            for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
                hidden = variant.activation()(torch.baddbmm(bias, hidden, weight))
            logits = torch.baddbmm(biases[-1], hidden, weights[-1])
            # The sum over networks of their mean losses: none feels the others.
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels[rows].flatten()) * len(seeds)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        advance()
    return planes


def _stacked(networks: Sequence[nn.Sequential]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Weights ``[networks, in, out]`` and biases ``[networks, 1, out]`` of each layer."""
    layers = [[module for module in network if isinstance(module, nn.Linear)] for network in networks]
    weights = [nn.Parameter(torch.stack([each.weight.detach().T for each in own])) for own in zip(*layers, strict=True)]
    biases = [
        nn.Parameter(torch.stack([each.bias.detach()[None] for each in own])) for own in zip(*layers, strict=True)
    ]
    return weights, biases


@torch.no_grad()
def _write_back(
    networks: Sequence[nn.Sequential], weights: Sequence[nn.Parameter], biases: Sequence[nn.Parameter]
) -> None:
    for place, network in enumerate(networks):
        layers = [module for module in network if isinstance(module, nn.Linear)]
        for layer, weight, bias in zip(layers, weights, biases, strict=True):
            layer.weight.copy_(weight[place].T)
            layer.bias.copy_(bias[place, 0])


def _measure(network: nn.Sequential, variant: Variant, inputs: Tensor, labels: Tensor, epoch: int, step: int) -> Plane:
    layers = [str(place) for place, module in enumerate(network) if isinstance(module, variant.activation)]
    plane = measure_plane(network, [(inputs, labels)], [variant.estimator], layers=layers)
    return replace(plane, epoch=epoch, step=step)


def _network(variant: Variant, seed: int) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts: list[nn.Module] = []
        for before, after in itertools.pairwise(_WIDTHS):
            parts += [nn.Linear(before, after), variant.activation()]
        return nn.Sequential(*parts[:-1])  # the last are logits


def _runs(variant: Variant, output: Path, epochs: int, repetitions: int, console: Console) -> list[list[Plane]]:
    """Of every seed its planes, from a file where they are there."""
    path = output / f"{variant.name}-{epochs}-epochs-{repetitions}-seeds.json"
    if not path.exists():
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task(variant.name, total=epochs)
            trained = train(variant, range(repetitions), epochs, lambda: progress.advance(bar))
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps([[plane.to_state() for plane in run] for run in trained]))
        partial.replace(path)
    return [[Plane.from_state(state) for state in run] for run in json.loads(path.read_text())]


def _table(results: Mapping[str, list[list[Plane]]], epochs: int) -> str:
    """How far every layer has fallen from its highest I(X;T)."""
    lines = [
        f"After {epochs} epochs, in bits; mean over seeds (lowest to highest).",
        "",
        "| network | hidden layer | highest I(X;T) | last | fallen by | last I(T;Y) |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in results.items():
        for place, layer in enumerate(runs[0][-1].points, start=1):
            courses = [[next(iter(plane.points[layer].values())) for plane in run] for run in runs]
            highest = [max(point.input_bits for point in course) for course in courses]
            last = [course[-1].input_bits for course in courses]
            fallen = [high - end for high, end in zip(highest, last, strict=True)]
            told = [course[-1].label_bits for course in courses]
            lines.append(f"| {name} | {place} | " + " | ".join(map(_mean, (highest, last, fallen, told))) + " |")
    return "\n".join(lines) + "\n"


def _mean(values: Sequence[float]) -> str:
    return f"{math.fsum(values) / len(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main(argv: Sequence[str] | None = None) -> int:
    """Train what is missing, and write the table and the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="a folder, made where it is missing")
    parser.add_argument("--epochs", type=int, default=8000, help="of each training (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="seeds (%(default)s)")
    arguments = parser.parse_args(argv)
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # of so small a network threads only wait for one another
    console, results = Console(stderr=True), {}
    try:
        for variant in VARIANTS:
            results[variant.name] = _runs(variant, arguments.output, arguments.epochs, arguments.repetitions, console)
    except KeyboardInterrupt:
        print("stopped; what is trained stays, and the same command goes on from there", file=sys.stderr)
        return 130
    for name, runs in results.items():
        estimator = next(iter(next(iter(runs[0][0].points.values()))))
        median = aggregate([[plane.of(estimator) for plane in run] for run in runs]).median_run
        save_figure(plot_information_plane(runs[median]), arguments.output / f"{name}.png")
    table = _table(results, arguments.epochs)
    (arguments.output / "szt_planes.md").write_text(table)
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
