"""Does a network compress? The first information plane trained again: tanh and ReLU, floats and few bits.

``python -m examples.information_plane.szt_planes --output planes`` trains networks of 12-10-7-5-4-3-2 units on all
inputs of 12 bits, follows every layer through the information plane, and writes tables and figures. Networks that
have already been trained are not trained again. Use ``--epochs`` and ``--repetitions`` for a shorter run.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import nn

from examples.information_plane.szt_measuring import Run, measure
from examples.information_plane.szt_training import LAYERS, LORENZEN, SHWARTZ_ZIV, Variant, train
from examples.small_pictures import save_small
from examples.workers import on_workers
from lightning_infomem.information_plane.plots import plot_information_plane
from lightning_infomem.information_plane.repetitions import aggregate

__all__ = ["TRAININGS", "main"]

# Variants on one line are trained side by side. The order keeps the slowest from running alone at the end.
TRAININGS = (
    (Variant("tanh-8-bits", nn.Tanh, LORENZEN, bits=8), Variant("tanh-4-bits", nn.Tanh, LORENZEN, bits=4)),
    (Variant("relu-8-bits", nn.ReLU, LORENZEN, bits=8), Variant("relu-4-bits", nn.ReLU, LORENZEN, bits=4)),
    (Variant("tanh", nn.Tanh, SHWARTZ_ZIV),),
    (Variant("relu", nn.ReLU, SHWARTZ_ZIV),),
    (Variant("tanh-prefitted", nn.Tanh, SHWARTZ_ZIV, prefit=1000),),
    (Variant("tanh-32-bits", nn.Tanh, LORENZEN, bits=32),),
    (Variant("relu-32-bits", nn.ReLU, LORENZEN, bits=32),),
)
_FALL = 0.5  # bits
_WORKERS = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Train missing networks and write the tables and figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="output folder, created if missing")
    parser.add_argument("--epochs", type=int, default=8000, help="epochs of each training (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="number of seeds (%(default)s)")
    arguments = parser.parse_args(argv)
    arguments.output.mkdir(parents=True, exist_ok=True)
    given = arguments.output, arguments.epochs, arguments.repetitions
    missing = [group for group in TRAININGS if not all(_file(variant, *given).exists() for variant in group)]
    start = time.perf_counter()
    try:
        for group, _ in on_workers(_train_and_keep, missing, *given, workers=_WORKERS):
            names = " and ".join(variant.name for variant in group)
            print(f"{names}: done after {time.perf_counter() - start:.0f} seconds", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped; trained networks are kept, and the same command continues from there", file=sys.stderr)
        return 130
    results: dict[str, list[Run]] = {}
    for variant in (variant for group in TRAININGS for variant in group):
        results.update(_read(_file(variant, *given)))
    for name, runs in results.items():
        save_small(plot_information_plane(runs[_median(runs)].planes), arguments.output / f"{name}.png")
    text = _tables(results, arguments.epochs)
    (arguments.output / "szt_planes.md").write_text(text)
    print(text)
    return 0


def _file(variant: Variant, output: Path, epochs: int, repetitions: int) -> Path:
    return output / f"{variant.name}-{epochs}-epochs-{repetitions}-seeds.json"


def _train_and_keep(variants: Sequence[Variant], output: Path, epochs: int, repetitions: int) -> None:
    """Train, measure and save one group of variants; runs in a process of its own."""
    seeds = range(repetitions)
    for variant, courses in zip(variants, train(variants, seeds, epochs), strict=True):
        measured = [measure(variant, seed, course) for seed, course in zip(seeds, courses, strict=True)]
        states = {name: [runs[name].to_state() for runs in measured] for name in measured[0]}
        path = _file(variant, output, epochs, repetitions)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(states))
        partial.replace(path)


def _read(path: Path) -> dict[str, list[Run]]:
    return {name: [Run.from_state(state) for state in runs] for name, runs in json.loads(path.read_text()).items()}


def _median(runs: Sequence[Run]) -> int:
    """Index of the run at median distance from the mean."""
    points = [
        [{layer: run.points(layer)[moment] for layer in LAYERS} for moment in range(len(run.planes))] for run in runs
    ]
    # For ReLU the bin range is that of each run.
    differing = ["parameters.value_range"] if "value_range" in points[0][0][LAYERS[0]].parameters else []
    return aggregate(points, differing).median_run


def _tables(results: Mapping[str, Sequence[Run]], epochs: int) -> str:
    """Tables of information, geometry and accuracy."""
    information = [
        f"After {epochs} epochs; information in bits. Mean over seeds (lowest to highest). Epoch 0 is before training",
        "on true labels.",
        "",
        "| network | layer | I(X;T) at epoch 0 | highest | last | fall | seeds that fall by more than .5 "
        "| fall of the mean course | I(T;Y) at epoch 0 | last |",
        "|---" * 10 + "|",
    ]
    geometry = [
        "From the epoch of the highest I(X;T) to the end; means over seeds.",
        "",
        "| network | layer | distance within classes | between classes | ratio | occupied cells |",
        "|---" * 6 + "|",
    ]
    accuracy = ["| network | accuracy on training inputs | on the others | figure |", "|---" * 4 + "|"]
    for name, runs in results.items():
        for layer in LAYERS:
            courses = [run.points(layer) for run in runs]
            highest = [course[run.highest(layer)].input_bits for run, course in zip(runs, courses, strict=True)]
            last = [course[-1].input_bits for course in courses]
            # Seeds, each from its own maximum, fall by more than their mean course, which Lorenzen et al. draw.
            mean = [
                math.fsum(point.input_bits for point in points) / len(points) for points in zip(*courses, strict=True)
            ]
            fallen = [high - end for high, end in zip(highest, last, strict=True)]
            cells = [
                *(_mean(column) for column in ([course[0].input_bits for course in courses], highest, last, fallen)),
                f"{sum(each > _FALL for each in fallen)} of {len(runs)}",
                f"{max(mean) - mean[-1]:.2f}",
                *(_mean([course[end].label_bits for course in courses]) for end in (0, -1)),
            ]
            information.append(f"| {name} | {layer} | {' | '.join(cells)} |")
            both = [run.geometry[layer] for run in runs]
            cells = [
                _change([[each.within_class for each in pair] for pair in both], ".2f"),
                _change([[each.between_classes for each in pair] for pair in both], ".2f"),
                _change([[each.within_class / each.between_classes for each in pair] for pair in both], ".2f"),
                _change([[each.occupied_cells for each in pair] for pair in both], ".0f"),
            ]
            geometry.append(f"| {name} | {layer} | {' | '.join(cells)} |")
        right = [_mean([run.accuracy[place] for run in runs], 3) for place in (0, 1)]
        accuracy.append(f"| {name} | {' | '.join(right)} | seed {_median(runs)} |")
    return "\n".join([*information, "", *geometry, "", *accuracy]) + "\n"


def _mean(values: Sequence[float], digits: int = 2) -> str:
    mean = math.fsum(values) / len(values)
    return f"{mean:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _change(pairs: Sequence[Sequence[float]], how: str) -> str:
    """Means before and after."""
    before, after = (math.fsum(column) / len(pairs) for column in zip(*pairs, strict=True))
    return f"{before:{how}} to {after:{how}}"


if __name__ == "__main__":
    sys.exit(main())
