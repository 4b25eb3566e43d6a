"""Bits, accuracy and confidence on digits under three kinds of noise.

``python -m examples.model_information.difficulty --output difficulty`` trains on digits with missing pixels, missing
objects or wrong labels, codes held-out digits with the same noise, and writes a table and a figure. Existing results
are reused. It takes a few minutes on two cores; reduce ``--max-epochs`` and ``--seeds`` for a shorter run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from examples.model_information.cells import cell
from examples.model_information.digits import digits, perceptron
from examples.model_information.kept_results import Job, kept_results
from examples.small_pictures import save_small
from lightning_infomem.model_information import (
    TaskDifficulty,
    TaskRun,
    massart_labels,
    missing_objects,
    missing_pixels,
    task_difficulty,
)
from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.model_information.plots import plot_task_difficulty
from lightning_infomem.reporting.text_file import write_text

__all__ = ["KINDS", "NOISE", "main", "report"]

NOISE = (0.0, 0.05, 0.1, 0.2, 0.4)
_WIDTH = 64
_SETTINGS = {"blocks": [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 100.0], "batch_size": 64, "learning_rate": 1e-2}

Labelled = tuple[Tensor, Tensor]

KINDS: dict[str, Callable[[Labelled, float, int], Labelled]] = {
    "missing pixels": lambda data, noise, seed: (missing_pixels(data[0], noise, seed=seed), data[1]),
    "missing objects": lambda data, noise, seed: (missing_objects(data[0], noise, seed=seed), data[1]),
    "wrong labels": lambda data, noise, seed: (data[0], massart_labels(data[1], noise, num_classes=10, seed=seed)),
}

# Bits from tables 2 to 4 of the reference, for other data and larger networks, in order of rising noise.
_PUBLISHED = {
    "missing pixels": (1559, 1718, 2120, 2719),
    "missing objects": (1559, 1489, 1560, 1296),
    "wrong labels": (1559, 1833, 1735, 1605),
}


def learn(job: Job) -> dict[str, Any]:
    """Return what one network learns under one kind of noise, drawn separately for each seed and for held-out data."""
    add, seed = KINDS[job["kind"]], job["seed"]
    known, unseen = (add(part, job["noise"], 2 * seed + place) for place, part in enumerate(digits()))
    name = f"{job['kind']} {job['noise']:g}" if job["noise"] else "clean"
    make = partial(perceptron, job["width"])
    learned = task_difficulty(make, {name: (known, unseen)}, seeds=[seed], progress=False, **job["settings"])
    return {"run": asdict(learned.runs[0]), "settings": dict(learned.settings)}


def report(results: Mapping[str, TaskDifficulty]) -> str:
    """Return the table, and how the bits change with increasing noise."""
    first = next(iter(results.values()))
    lines = [
        f"Means over seeds {first.to_records()[0]['seeds']}, with half the width of the 95 % interval (Student's t).",
        f"Digits of scikit-learn, 1,000 trained on, 797 held out; one hidden layer of {_WIDTH} units.",
        f"Settings: {', '.join(f'{name} {value}' for name, value in first.settings.items())}.",
        "",
        "| noise | share | bits | accuracy | confidence |",
        "|---|---|---|---|---|",
    ]
    for kind, result in results.items():
        for noise, record in zip(NOISE, result.to_records(), strict=True):
            cells = [
                cell(record["bits"], record["bits_spread"]),
                *(cell(record[name], record[f"{name}_spread"], 3) for name in ("accuracy", "confidence")),
            ]
            lines.append(f"| {kind} | {noise:g} | {' | '.join(cells)} |")
    lines.append("")
    for kind, result in results.items():
        changes = []
        for noise, task in zip(NOISE[1:], result.tasks[1:], strict=True):
            pairs = zip(result.of(task), result.of(result.tasks[0]), strict=True)
            change, spread = mean_and_spread([noisy.bits - clean.bits for noisy, clean in pairs])
            changes.append(f"{'+' if change > 0 else ''}{cell(change, spread)} bits at {noise:g}")
        published = ", ".join(f"{bits - _PUBLISHED[kind][0]:+,}" for bits in _PUBLISHED[kind][1:])
        lines.append(
            f"- {kind}, against no noise, by pairs of a seed: {', '.join(changes)}. Published, with "
            f"rising noise: {published} bits."
        )
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Compute missing results, and write the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="output folder, created if missing")
    parser.add_argument("--seeds", type=int, default=5, help="number of repetitions (%(default)s)")
    parser.add_argument("--max-epochs", type=int, default=30, help="maximum epochs of each training (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="number of processes (%(default)s)")
    given = parser.parse_args(argv)
    settings = {**_SETTINGS, "max_epochs": given.max_epochs}
    jobs: dict[str, Job] = {}
    for kind in KINDS:
        for noise in NOISE:
            for seed in range(given.seeds):
                # Without noise, all kinds share one job.
                name = f"{kind if noise else 'clean'}-{noise:g}-{seed}".replace(" ", "-")
                job = {"kind": kind, "noise": noise, "seed": seed, "width": _WIDTH, "settings": settings}
                jobs.setdefault(name, job)
    try:
        parts = list(kept_results(learn, jobs, given.output / "difficulty", workers=given.workers).values())
    except KeyboardInterrupt:
        print("stopped; finished results are kept, and the same command resumes from them", file=sys.stderr)
        return 130
    results = {}
    for kind in KINDS:
        runs = [
            TaskRun(**part["run"])
            for part, job in zip(parts, jobs.values(), strict=True)
            if job["kind"] == kind or not job["noise"]
        ]
        results[kind] = TaskDifficulty(tuple(runs), parts[0]["settings"])
    text = report(results)
    write_text(given.output / "difficulty.md", text)
    save_small(plot_task_difficulty(results, levels=NOISE), given.output / "difficulty.png")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
