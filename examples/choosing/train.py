"""Train all sweeps and the zoo with a word as shortcut: ``python -m examples.choosing.train``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from examples.choosing.sources import Sources
from examples.choosing.sweeps import SWEEPS, WORD_ZOO
from examples.choosing.training import Job, jobs_of, train_all

__all__ = ["folder_options", "main"]


def folder_options(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the folders that the commands of the study share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--output", type=Path, required=True, help="folder of networks, reports and results")
    parser.add_argument("--data", type=Path, required=True, help="folder of texts, pictures and the IDX files of MNIST")
    parser.add_argument("--wheels", type=Path, required=True, help="folder of pretrained networks and tables")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Train what is not trained yet, and print a line for each network."""
    parser = folder_options(__doc__)
    parser.add_argument("--only", nargs="+", help="names of sweeps, or of their folders")
    parser.add_argument("--workers", type=int, default=1, help="number of processes")
    given = parser.parse_args(arguments)
    sources = Sources(given.data, given.wheels, given.output / "features")
    first_images = next(place for place, sweep in enumerate(SWEEPS) if sweep.data == "cifar-small")
    sweeps = [*SWEEPS[:first_images], WORD_ZOO, *SWEEPS[first_images:]]
    chosen = [sweep for sweep in sweeps if not given.only or {sweep.name, sweep.folder} & set(given.only)]
    jobs = [job for sweep in chosen for job in jobs_of(sweep, given.output) if not job.done]
    start, left = time.monotonic(), len(jobs)

    def advance(job: Job, entry: dict[str, Any]) -> None:
        nonlocal left
        left -= 1
        print(
            f"{time.monotonic() - start:7.0f} s, {left} left: {job.sweep.folder} {job.name}"
            f" clean {entry['clean_accuracy']:.3f} train {entry['train_accuracy']:.3f} in {entry['seconds']:.1f} s",
            flush=True,
        )

    train_all(jobs, sources, given.workers, advance)


if __name__ == "__main__":
    main()
