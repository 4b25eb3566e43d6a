"""The benchmark of checkpoint selection: train zoos of small networks, rank them without labels, and look at labels.

Run as ``python -m examples.benchmarks.selection --output FOLDER [--mnist FOLDER]`` from the root of the repository. It
takes about half an hour on two cores; stopped at any time, it goes on where it was when it is started again.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from examples.benchmarks.ranking import Outcome, compare, comparison_table
from examples.benchmarks.recipes import ZOOS, Zoo
from examples.benchmarks.training import jobs_of, train_all


def main() -> None:
    arguments = _arguments()
    console = Console()
    zoos = [zoo for zoo in ZOOS if zoo.images != "mnist" or arguments.mnist is not None]
    try:
        train(zoos, arguments, console)
        outcomes = rank(zoos, arguments, console)
    except KeyboardInterrupt:
        console.print("Stopped. What is trained is kept: the same command goes on from here.")
        raise SystemExit(130) from None
    console.print(comparison_table(outcomes, [zoo for zoo in ZOOS if zoo not in zoos]))
    record = [asdict(outcome) for outcome in outcomes]
    (arguments.output / "selection.json").write_text(json.dumps(record, indent=1))


def train(zoos: list[Zoo], arguments: argparse.Namespace, console: Console) -> None:
    """Train what is missing."""
    jobs = [job for zoo in zoos for job in jobs_of(zoo, arguments.output)]
    missing = [job for job in jobs if not job.done]
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("training", total=len(jobs), completed=len(jobs) - len(missing))
        train_all(missing, arguments.mnist, arguments.workers, partial(progress.advance, bar))


def rank(zoos: list[Zoo], arguments: argparse.Namespace, console: Console) -> list[Outcome]:
    """Measure and rank all zoos anew, which takes a few minutes."""
    with Progress(console=console) as progress:
        bar = progress.add_task("ranking", total=len(zoos))
        outcomes = []
        for zoo in zoos:
            outcomes += compare(zoo, arguments.output, arguments.mnist)
            progress.advance(bar)
    return outcomes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for checkpoints and results")
    parser.add_argument("--mnist", type=Path, help="folder with the IDX files of MNIST; without it, digits only")
    parser.add_argument("--workers", type=int, default=2, help="processes that train, one thread each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
