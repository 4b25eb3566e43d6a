"""Four small networks on MNIST in the information plane, with 8-bit activations so that the information is exact.

``python -m examples.information_plane.mnist_planes --data-root DIR --output planes`` trains a bottleneck, an hourglass,
four layers of ten units and a small convolution, plus the bottleneck again after random labels. Each is measured on all
images, training and held-out, exactly (`QuantizedExact`) and with two kinds of bins. Networks that have already been
trained are not trained again. DIR holds the IDX files of MNIST.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from examples.information_plane.geometry_along import Geometry
from examples.information_plane.mnist_networks import (
    BITS,
    NETWORKS,
    accuracy,
    as_planned,
    in_batches,
    layers_of,
    read_images,
    train,
)
from examples.small_pictures import save_small
from examples.workers import on_workers
from lightning_infomem.information_plane import InformationPlane, RandomLabelPrefit
from lightning_infomem.information_plane.binning import Binning
from lightning_infomem.information_plane.maximum_entropy_binning import MaximumEntropyBinning
from lightning_infomem.information_plane.plane import Plane, name_estimators
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plots import plot_information_plane
from lightning_infomem.information_plane.quantized_exact import QuantizedExact
from lightning_infomem.information_plane.repetitions import aggregate

__all__ = ["STUDIES", "Run", "Study", "main", "run"]

_ESTIMATORS = (QuantizedExact(BITS), Binning(30), MaximumEntropyBinning(30), Geometry())
_EXACT, _BINS, _EQUAL_COUNTS, _GEOMETRY = name_estimators(_ESTIMATORS)
_PARTS = 8  # parts of a training; random labels take one of them, as in the source
_RESTARTED = 0.55  # training accuracy below which the source trains again


@dataclass(frozen=True)
class Study:
    """A network, optionally trained on random labels first."""

    network: str
    is_prefitted: bool = False

    @property
    def name(self) -> str:
        """Name used for its files."""
        return f"{self.network}-prefitted" if self.is_prefitted else self.network


STUDIES = {study.name: study for study in (*map(Study, NETWORKS), Study("bottleneck", is_prefitted=True))}


@dataclass(frozen=True)
class Run:
    """Result of one training.

    Attributes:
        planes: Planes, oldest first.
        learnt_accuracy: Final accuracy on the training images.
        held_out_accuracy: Final accuracy on the held-out images.
        seconds: Duration of the run.
    """

    planes: Sequence[Plane]
    learnt_accuracy: float
    held_out_accuracy: float
    seconds: float

    def course(self, layer: str, estimator: str) -> list[PlanePoint]:
        """Points of a layer, oldest first."""
        return [plane.points[layer][estimator] for plane in self.planes]


def run(study: Study, seed: int, epochs: int, data_root: Path) -> dict[str, Any]:
    """Train and measure one network; return the fields of `Run`, with the planes as states."""
    start = time.perf_counter()
    images, plan = read_images(data_root), NETWORKS[study.network]
    part = max(1, epochs // _PARTS)
    probe = list(in_batches(images.all))
    follow = InformationPlane(
        probe, _ESTIMATORS, layers=layers_of(plan), every_n_epochs=part, split="all images", on_error="raise"
    )
    first = [RandomLabelPrefit(part, 10, seed=seed)] if study.is_prefitted else []
    model = train(plan, images, seed, epochs + part * study.is_prefitted, [*first, follow])
    return {
        "planes": [as_planned(plane).to_state() for plane in follow.planes],
        "learnt_accuracy": accuracy(model, images.learnt),
        "held_out_accuracy": accuracy(model, images.held_out),
        "seconds": time.perf_counter() - start,
    }


Job = tuple[str, int, int]  # study name, seed, epochs


def _path(job: Job, output: Path) -> Path:
    name, seed, epochs = job
    return output / f"{name}-{epochs}-epochs-seed-{seed}.json"


def _run_and_keep(job: Job, data_root: Path, output: Path) -> None:
    name, seed, epochs = job
    found = run(STUDIES[name], seed, epochs, data_root)
    path = _path(job, output)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(found))
    os.replace(partial, path)


def _read(job: Job, output: Path) -> Run:
    state = json.loads(_path(job, output).read_text())
    return Run(**{**state, "planes": [as_planned(Plane.from_state(each)) for each in state["planes"]]})


def _table(study: Study, runs: Sequence[Run], epochs: int) -> str:
    """Table of how far each layer has fallen from its highest I(X;T), with its geometry then and at the end."""
    shares = [_spread([getattr(each, name) for each in runs], 3) for name in ("learnt_accuracy", "held_out_accuracy")]
    failed = [str(seed) for seed, each in enumerate(runs) if each.learnt_accuracy < _RESTARTED]
    random = f"{max(1, epochs // _PARTS)} epochs on random labels, then " if study.is_prefitted else ""
    seconds = sum(each.seconds for each in runs)
    lines = [
        f"## {study.name}",
        "",
        f"{random}{epochs} epochs; accuracy {shares[0]} on training images, {shares[1]} on held-out images; "
        f"training accuracy below {_RESTARTED:g}: {'seed ' + ', '.join(failed) if failed else 'none'}. "
        f"{seconds:.0f} s in total.",
        "",
        "| layer | highest I(X;T) | last | fall | fall with 30 bins | fall with 30 equal-count bins | last I(T;Y) "
        "| diameter, highest: last | within / between classes, highest: last |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for layer in runs[0].planes[0].points:
        exact = [each.course(layer, _EXACT) for each in runs]
        tops = [_top(course) for course in exact]
        falls = [_spread([_fall(each.course(layer, name)) for each in runs]) for name in (_EXACT, _BINS, _EQUAL_COUNTS)]
        scores = [[point.scores for point in each.course(layer, _GEOMETRY)] for each in runs]
        cells = [
            layer,
            _spread([course[top].input_bits for course, top in zip(exact, tops, strict=True)]),
            _spread([course[-1].input_bits for course in exact]),
            *falls,
            _spread([course[-1].label_bits for course in exact]),
            *(_then_and_now(scores, tops, measure) for measure in (_diameter, _clustering)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _top(course: Sequence[PlanePoint]) -> int:
    return max(range(len(course)), key=lambda place: course[place].input_information)


def _fall(course: Sequence[PlanePoint]) -> float:
    return course[_top(course)].input_bits - course[-1].input_bits


def _diameter(scores: Any) -> float:
    return float(scores["diameter"])


def _clustering(scores: Any) -> float:
    """Ratio of distances: 1 if the classes overlap fully, 0 if each class is a point."""
    return float(scores["within_class"] / scores["between_classes"]) if scores["between_classes"] else 1.0


def _then_and_now(scores: Sequence[Sequence[Any]], tops: Sequence[int], measure: Callable[[Any], float]) -> str:
    then = [measure(course[top]) for course, top in zip(scores, tops, strict=True)]
    now = [measure(course[-1]) for course in scores]
    return f"{sum(then) / len(then):.2f}: {_spread(now)}"


def _spread(values: Sequence[float], digits: int = 2) -> str:
    mean, low, high = (f"{each:.{digits}f}" for each in (sum(values) / len(values), min(values), max(values)))
    return f"{mean} ({low} to {high})"


def main(argv: Sequence[str] | None = None) -> int:
    """Train missing networks and write the tables and figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, help="folder with the IDX files of MNIST")
    parser.add_argument("--output", type=Path, required=True, help="output folder, created if missing")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each network (%(default)s)")
    parser.add_argument(
        "--epochs", type=int, help="epochs of each training instead of the default; a multiple of 8 from 8 on"
    )
    parser.add_argument("--only", nargs="+", choices=STUDIES, default=list(STUDIES), metavar="NAME")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each (%(default)s)")
    arguments = parser.parse_args(argv)
    if arguments.epochs is not None and (arguments.epochs < 1 or (arguments.epochs > 8 and arguments.epochs % 8)):
        parser.error(f"--epochs: 1 to 8 or a multiple of 8 is required, got {arguments.epochs}")
    output = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    jobs = {
        name: [
            (name, seed, arguments.epochs or NETWORKS[STUDIES[name].network].epochs) for seed in range(arguments.seeds)
        ]
        for name in arguments.only
    }
    every = [job for same_seed in zip(*jobs.values(), strict=True) for job in same_seed]
    missing = [job for job in every if not _path(job, output).exists()]
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("networks", total=len(every), completed=len(every) - len(missing))
            for _ in on_workers(_run_and_keep, missing, arguments.data_root, output, workers=arguments.workers):
                progress.advance(bar)
    except KeyboardInterrupt:
        print("stopped; trained networks are kept, and the same command continues from there", file=sys.stderr)
        return 130
    tables = []
    for name, by_seed in jobs.items():
        runs = [_read(job, output) for job in by_seed]
        tables.append(_table(STUDIES[name], runs, by_seed[0][2]))
        median = 0
        if len(runs) > 1:
            median = aggregate([[plane.of(_EXACT) for plane in each.planes] for each in runs]).median_run
        save_small(plot_information_plane(runs[median].planes, _EXACT), output / f"{name}.png")
        tables[-1] += f"\nThe figure shows seed {median}, the run at median distance from the mean.\n"
    text = (
        "In bits; mean over seeds (lowest to highest). I(X;T) and I(T;Y) are exact for all images as the whole "
        "population; falls with bins use the same activations. Highest: at the epoch of the highest I(X;T).\n\n"
    ) + "\n".join(tables)
    (output / "mnist_planes.md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
