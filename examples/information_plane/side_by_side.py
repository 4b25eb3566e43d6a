"""One training in the information plane by every estimator of the package, on the same samples at the same epochs.

``python -m examples.information_plane.side_by_side --data-root DIR --output side_by_side`` trains the bottleneck
network of `mnist_planes` once and writes a figure with one panel per estimator, plus tables of what each reports.
The layers have 8 bits, so one estimate is exact. The others are not wrong because they differ: each measures a
different quantity, so do not compare their numbers. Compare only whether they report that I(X;T) of a layer rose or
fell.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import Progress

from examples.information_plane.geometry_along import Geometry
from examples.information_plane.mnist_networks import BITS, NETWORKS, as_planned, layers_of, read_images, train
from examples.small_pictures import save_small
from lightning_infomem.information_plane import (
    KSG,
    MINE,
    Binning,
    DecisionRule,
    DependenceGraph,
    InformationPlane,
    KernelDensity,
    MatrixRenyi,
    MaximumEntropyBinning,
    Plane,
    PlanePoint,
    QuantizedExact,
    SamplePropagation,
    TensorKernelRenyi,
    VariationalBound,
)
from lightning_infomem.information_plane.plots import plot_estimators

__all__ = ["ESTIMATORS", "main", "measure", "verdict"]

_NOISE = 0.1  # common noise variance of the three estimators that need one; usual for MNIST
ESTIMATORS = (
    QuantizedExact(BITS),
    Binning(30),
    MaximumEntropyBinning(30),
    KernelDensity(_NOISE),
    SamplePropagation(_NOISE),
    MINE(noise=_NOISE),
    MatrixRenyi(),
    TensorKernelRenyi(),
    DependenceGraph(),
    VariationalBound(),
    KSG(labels_only=True),  # images have too many dimensions for it
)
_CHOSEN_BY_DATA = [
    "parameters.aligned_width",
    "parameters.chosen_penalties",
    "parameters.hidden_coordinates",
    "parameters.hidden_width",
    "parameters.input_coordinates",
    "parameters.width",
]
_EVERY = 2  # use every second held-out image; eigenvalues of more samples take too long
_SEED = 0
_MATTERS = 0.05  # share of the highest value below which a difference is no change


def verdict(values: Sequence[float]) -> str:
    """Summarise a course: it rises, falls, does both in turn, or stays."""
    highest = max(values)
    rose, fell = (highest - end > _MATTERS * abs(highest) for end in (values[0], values[-1]))
    return {(True, True): "rises, falls", (True, False): "rises", (False, True): "falls"}.get((rose, fell), "stays")


class _Advance(Callback):
    """Moves the progress bar."""

    def __init__(self, progress: Progress, epochs: int) -> None:
        self._progress, self._bar = progress, progress.add_task("epochs", total=epochs)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._progress.advance(self._bar)


def measure(data_root: Path, epochs: int, console: Console) -> list[Plane]:
    """Train the network and measure it by all estimators; planes oldest first."""
    images, plan = read_images(data_root), NETWORKS["bottleneck"]
    probe = [tuple(each[::_EVERY] for each in images.held_out.tensors)]
    caught = {"every_n_epochs": epochs, "split": "held-out images"}
    hidden = InformationPlane(probe, [*ESTIMATORS, Geometry()], layers=layers_of(plan), **caught)
    # On a hidden layer it would take units for classes.
    decisions = InformationPlane(probe, [DecisionRule()], layers=layers_of(plan)[-1:], prefix="decisions", **caught)
    with Progress(console=console, transient=True) as progress, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "InformationPlane leaves out")  # the tables show a dash instead
        train(plan, images, _SEED, epochs, [hidden, decisions, _Advance(progress, epochs)])
    pairs = zip(map(as_planned, hidden.planes), map(as_planned, decisions.planes), strict=True)
    return [
        replace(plane, points={layer: {**each, **other.points.get(layer, {})} for layer, each in plane.points.items()})
        for plane, other in pairs
    ]


def _courses(planes: Sequence[Plane], estimator: str) -> dict[str, list[PlanePoint]]:
    """Layer -> points of an estimator, for layers that have any."""
    layers = planes[0].points
    return {
        layer: course
        for layer in layers
        if (course := [plane.points[layer][estimator] for plane in planes if estimator in plane.points[layer]])
    }


def _verdicts(planes: Sequence[Plane], names: Sequence[str], measured: str) -> list[str]:
    """Table with one row per estimator and one column per layer."""
    layers = list(planes[0].points)
    lines = [f"| estimator | {' | '.join(layers)} |", "|---" * (len(layers) + 1) + "|"]
    for name in names:
        courses = _courses(planes, name)
        cells = []
        for layer in layers:
            values = [getattr(point, measured) for point in courses.get(layer, [])]
            cells.append(verdict(values) if values and values[0] == values[0] else "-")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _numbers(planes: Sequence[Plane], names: Sequence[str]) -> list[str]:
    lines = ["| estimator | layer | I(X;T): first, highest, last | I(T;Y): first, highest, last |", "|---|---|---|---|"]
    for name in names:
        for layer, course in _courses(planes, name).items():
            cells = []
            for measured in ("input_bits", "label_bits"):
                values = [getattr(point, measured) for point in course]
                known = values[0] == values[0]
                cells.append(", ".join(map(_short, (values[0], max(values), values[-1]))) if known else "-")
            lines.append(f"| {name} | {layer} | {' | '.join(cells)} |")
    return lines


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0e}"


def _geometry(planes: Sequence[Plane], exact: str) -> list[str]:
    """Geometry of each layer at the highest exact I(X;T) and at the end."""
    lines = [
        "| layer | epoch of the highest exact I(X;T) | diameter then, last | within / between classes then, last "
        "| occupied bins then, last |",
        "|---|---|---|---|---|",
    ]
    (name,) = (each for each in next(iter(planes[0].points.values())) if each.startswith("Geometry"))
    for layer, course in _courses(planes, exact).items():
        values = [point.input_bits for point in course]
        top = values.index(max(values))
        then, last = (planes[place].points[layer][name].scores for place in (top, -1))
        clusters = [each["within_class"] / max(each["between_classes"], 1e-300) for each in (then, last)]
        lines.append(
            f"| {layer} | {planes[top].epoch} | {then['diameter']:.3g}, {last['diameter']:.3g} "
            f"| {clusters[0]:.2f}, {clusters[1]:.2f} | {then['occupied_bins']:.1f}, {last['occupied_bins']:.1f} |"
        )
    return lines


def _text(planes: Sequence[Plane]) -> tuple[str, list[str]]:
    """Text with all tables, and the estimator names in order."""
    every = dict.fromkeys(name for plane in planes for points in plane.points.values() for name in points)
    names = [name for name in every if not name.startswith("Geometry")]
    count = next(iter(planes[0].points.values()))[names[0]].num_samples
    lines = [
        f"The 8-bit bottleneck network, seed {_SEED}, {planes[-1].epoch} epochs, {count:,} held-out images, "
        f"{len(planes)} moments. In bits. Do not compare numbers of different estimators: each measures a different "
        "quantity.",
        "",
        f"Reported change of I(X;T), where less than {_MATTERS:.0%} of the highest value is no change:",
        "",
        *_verdicts(planes, names, "input_bits"),
        "",
        "Reported change of I(T;Y):",
        "",
        *_verdicts(planes, names, "label_bits"),
        "",
        "Geometry of the samples, needed to explain any fall (30 bins per unit; within / between = 1: classes are not "
        "separated):",
        "",
        *_geometry(planes, names[0]),
        "",
        *_numbers(planes, names),
    ]
    return "\n".join(lines) + "\n", names


def main(argv: Sequence[str] | None = None) -> int:
    """Train and measure unless already done, and write the tables and the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, help="folder with the IDX files of MNIST")
    parser.add_argument("--output", type=Path, required=True, help="output folder, created if missing")
    parser.add_argument(
        "--epochs", type=int, default=NETWORKS["bottleneck"].epochs, help="training epochs (%(default)s)"
    )
    arguments = parser.parse_args(argv)
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / f"side_by_side-{arguments.epochs}-epochs.json"
    if not path.exists():
        torch.set_num_threads(1)
        start = time.perf_counter()
        try:
            planes = measure(arguments.data_root, arguments.epochs, Console(stderr=True))
        except KeyboardInterrupt:
            print("stopped; nothing is kept of an unfinished run", file=sys.stderr)
            return 130
        partial = path.with_suffix(".partial")
        seconds = time.perf_counter() - start
        partial.write_text(json.dumps({"seconds": seconds, "planes": [plane.to_state() for plane in planes]}))
        partial.replace(path)
    state = json.loads(path.read_text())
    planes = [Plane.from_state(each) for each in state["planes"]]
    text, names = _text(planes)
    text += f"\nTrained and measured in {state['seconds']:.0f} s.\n"
    (arguments.output / "side_by_side.md").write_text(text)
    figure = plot_estimators(planes, names, allow_mismatch=_CHOSEN_BY_DATA)
    save_small(figure, arguments.output / "side_by_side.png", dots_per_inch=68)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
