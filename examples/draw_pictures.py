"""Draw the README's pictures of the demonstration again, from the files that it wrote.

Run it with ``make pictures``, or ``infomem demo`` and then ``python -m examples.draw_pictures infomem-demo``.

The other pictures in the folder come from longer programs: ``pair_time.png`` is ``tests/benchmarks/results/cpu.png``
from ``make bench``, and ``ranking.png`` is `plot_ranking` of the zoo ``union-mnist`` from
``make choosing``, with its first reference.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from examples.small_pictures import save_small
from lightning_infomem import InformationReport, judge_run, rank_checkpoints
from lightning_infomem.checkpoints.reading import read_checkpoint
from lightning_infomem.demo.along_run import WatchedRun
from lightning_infomem.demo.digits import LEVELS
from lightning_infomem.plots import plot_comparison, plot_layers, plot_zoo

__all__ = ["PICTURES", "draw_colored", "draw_comparison", "draw_layers", "draw_run"]

_DOTS_PER_INCH = 130
_LEVEL_NAME = "shortcut alpha"


def draw_colored(demo: Path) -> Figure:
    """Draw both measures and the clean accuracy of the five networks against the share of the shortcut."""
    checkpoints, accuracies = _zoo(demo)
    rows = {row.path: row for row in rank_checkpoints(checkpoints, memorization="heuristic").rows}
    in_order = [rows[path] for path in checkpoints]
    entropy, information = [row.entropy for row in in_order], [row.mutual_information for row in in_order]
    return plot_zoo(LEVELS, entropy, information, accuracies, level_name=_LEVEL_NAME)


def draw_comparison(demo: Path) -> Figure:
    """Draw the entropy of all units and the mutual information of all pairs of the same five networks."""
    checkpoints, accuracies = _zoo(demo)
    return plot_comparison(
        [_report(path) for path in checkpoints],
        [f"{level:g}" for level in LEVELS],
        levels=LEVELS,
        level_name=_LEVEL_NAME,
        accuracies=accuracies,
        accuracy_name="accuracy on clean data",
    )


def draw_layers(demo: Path) -> Figure:
    """Draw the network that was offered nothing but the shortcut, layer by layer."""
    return plot_layers(_report(_zoo(demo)[0][-1]))


def draw_run(demo: Path) -> Figure:
    """Draw the run in which half of the labels are random."""
    verdict = judge_run(demo / "noisy-run")
    by_step = _accuracies(demo / "noisy-run")
    # A value is logged under the index of the last step; a checkpoint stores the number of steps.
    accuracies = {
        row.epoch: by_step.get(row.step - 1, math.nan)
        for row in verdict.rows
        if row.epoch is not None and row.step is not None
    }
    return WatchedRun("noisy-run", verdict, accuracies).figure()


PICTURES: dict[str, Callable[[Path], Figure]] = {
    "colored": draw_colored,
    "comparison": draw_comparison,
    "layers": draw_layers,
    "run": draw_run,
}


def _zoo(demo: Path) -> tuple[list[Path], list[float]]:
    """Return the checkpoints in the order of their levels, and their final accuracies on clean data."""
    checkpoints = [demo / "colored" / f"alpha-{level:.2f}.ckpt" for level in LEVELS]
    courses = [_accuracies(path.with_suffix("")) for path in checkpoints]
    return checkpoints, [course[max(course)] for course in courses]


def _accuracies(folder: Path) -> dict[int, float]:
    """Map each step to the accuracy on clean data, from the event files of a run."""
    events = EventAccumulator(str(folder)).Reload() if folder.is_dir() else None
    if events is None or "clean_accuracy" not in events.Tags()["scalars"]:
        raise ValueError(
            f"demo: event files with 'clean_accuracy' are required in '{folder}', got none; run `infomem demo` first."
        )
    return {event.step: event.value for event in events.Scalars("clean_accuracy")}


def _report(path: Path) -> InformationReport:
    report = read_checkpoint(path).report
    if report is None:
        raise ValueError(f"demo: a report is required in '{path}', got none; run `infomem demo` again.")
    return report


def main() -> None:
    """Draw all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="folder that `infomem demo` wrote")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "pictures", help="folder for the PNGs")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        path = arguments.output / f"{name}.png"
        save_small(draw(arguments.demo), path, dots_per_inch=_DOTS_PER_INCH)
        print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
