"""Benchmark checkpoint selection: train zoos of small networks, rank them without labels, compare with labels.

Run it with ``python -m examples.benchmarks.selection --output FOLDER [--mnist FOLDER]`` from the root of the
repository. It takes about half an hour on two cores. It can be stopped at any time and continues when started again.
"""

from __future__ import annotations

import argparse
import json
import platform
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from examples.benchmarks.ranking import judge_zoo
from examples.benchmarks.recipes import SEEDS, ZOOS, Zoo
from examples.benchmarks.summary import markdown
from examples.benchmarks.training import jobs_of, train_all


def main() -> None:
    arguments = _arguments()
    console = Console()
    zoos = [zoo for zoo in ZOOS if zoo.images != "mnist" or arguments.mnist is not None]
    try:
        train(zoos, arguments, console)
        judged = rank(zoos, arguments, console)
    except KeyboardInterrupt:
        console.print("Stopped. Finished networks and reports are kept; run the same command to continue.")
        raise SystemExit(130) from None
    left_out = [zoo.name for zoo in ZOOS if zoo not in zoos]
    text = markdown(judged) + (f"- Left out because --mnist is missing: {', '.join(left_out)}.\n" if left_out else "")
    console.print(Markdown(text))
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "lightning_infomem": version("lightning-infomem"),
    }
    record = {"date": date.today().isoformat(), "seeds": SEEDS, **versions, "zoos": judged}
    (arguments.output / "selection.json").write_text(json.dumps(record, indent=1))
    (arguments.output / "selection.md").write_text(text)


def train(zoos: list[Zoo], arguments: argparse.Namespace, console: Console) -> None:
    """Train the missing networks."""
    jobs = [job for zoo in zoos for job in jobs_of(zoo, arguments.output)]
    missing = [job for job in jobs if not job.done]
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("training", total=len(jobs), completed=len(jobs) - len(missing))
        train_all(missing, arguments.mnist, arguments.workers, partial(progress.advance, bar))


def rank(zoos: list[Zoo], arguments: argparse.Namespace, console: Console) -> list[dict[str, Any]]:
    """Measure what is not in the report cache, and rank."""
    judged = []
    with Progress(console=console) as progress:
        bar = progress.add_task("ranking", total=len(zoos))
        for zoo in zoos:
            judged.append(judge_zoo(zoo, arguments.output, arguments.mnist))
            progress.advance(bar)
    return judged


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for checkpoints and results")
    parser.add_argument("--mnist", type=Path, help="folder with the IDX files of MNIST; default: digits only")
    parser.add_argument("--workers", type=int, default=2, help="number of single-threaded training processes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
