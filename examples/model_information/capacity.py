"""Information capacity of networks with one hidden layer against its width, on tasks made from digits.

``python -m examples.model_information.capacity --output capacity`` trains networks of 4 to 64 units on all ten digits,
on four of them, on odd versus even, and on all digits with some wrong labels. It codes held-out digits, and writes a
table and a figure. Existing results are reused. It takes a few minutes on two cores; reduce ``--max-epochs``,
``--seeds`` and ``--widths`` for a shorter run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from torch import Tensor

from examples.model_information.cells import cell
from examples.model_information.digits import digits, perceptron
from examples.model_information.kept_results import Job, kept_results
from examples.small_pictures import save_small
from lightning_infomem.model_information import (
    InformationCapacity,
    TaskDifficulty,
    TaskRun,
    information_capacity,
    massart_labels,
)
from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.model_information.plots import plot_information_capacity
from lightning_infomem.reporting.text_file import write_text

__all__ = ["TASKS", "WIDTHS", "main", "report"]

WIDTHS = (4, 8, 16, 32, 64)
_SETTINGS = {"blocks": [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 100.0], "batch_size": 64, "learning_rate": 1e-2}

# Parameters and bits from table 7 of the reference, for other networks and data.
_PUBLISHED = ((29_457, 7_777), (49_905, 8_344), (124_433, 9_411), (264_657, 10_264))

Labelled = tuple[Tensor, Tensor]


def _first_four(images: Tensor, classes: Tensor, seed: int) -> Labelled:
    kept = classes < 4
    return images[kept], classes[kept]


TASKS: dict[str, Callable[[Tensor, Tensor, int], Labelled]] = {
    "ten digits": lambda images, classes, seed: (images, classes),
    "0 to 3": _first_four,
    "odd or even": lambda images, classes, seed: (images, classes % 2),
    "20 % wrong": lambda images, classes, seed: (images, massart_labels(classes, 0.2, num_classes=10, seed=seed)),
}


def learn(job: Job) -> dict[str, Any]:
    """Return what one network learns from one task. All networks have ten outputs, whatever the task."""
    make, seed = TASKS[job["task"]], job["seed"]
    known, unseen = (make(*part, 2 * seed + place) for place, part in enumerate(digits()))
    models, tasks = {"one": partial(perceptron, job["width"])}, {job["task"]: (known, unseen)}
    found = information_capacity(models, tasks, seeds=[seed], progress=False, **job["settings"])
    return {
        "run": asdict(found.learned["one"].runs[0]),
        "parameters": found.num_parameters["one"],
        "settings": dict(found.settings),
    }


def report(result: InformationCapacity) -> str:
    """Return the table, and the change in capacity from each width to the next."""
    records = result.to_records()
    tasks = result.learned[records[0]["model"]].tasks
    lines = [
        f"Means over seeds {records[0]['seeds']}, with half the width of the 95 % interval (Student's t).",
        "Digits of scikit-learn, 1,000 trained on, 797 held out, fewer of four classes; one hidden layer.",
        f"Settings: {', '.join(f'{name} {value}' for name, value in result.settings.items())}.",
        "",
        f"| units | parameters | capacity (bits) | of | bits a parameter | {' | '.join(tasks)} |",
        "|" + "---|" * (5 + len(tasks)),
    ]
    for record in records:
        cells = [
            record["model"],
            f"{record['parameters']:,}",
            cell(record["capacity"], record["capacity_spread"]),
            record["task"],
            cell(record["bits_per_parameter"], record["bits_per_parameter_spread"], 2),
        ]
        for task in tasks:
            cells.append(cell(*mean_and_spread([run.bits for run in result.learned[record["model"]].of(task)])))
        lines.append(f"| {' | '.join(cells)} |")
    steps = pairwise(records)
    changes = [f"{more['capacity'] - less['capacity']:+.0f} to {more['model']}" for less, more in steps]
    lines.append("")
    if changes:
        lines.append(f"- Capacity from each width to the next, in bits: {', '.join(changes)}.")
    published = ", ".join(f"{bits:,} bits of {count:,} parameters" for count, bits in _PUBLISHED)
    lines.append(f"- Published: {published}.")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Compute missing results, and write the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="output folder, created if missing")
    parser.add_argument("--seeds", type=int, default=5, help="number of repetitions (%(default)s)")
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS, help="widths of the hidden layer")
    parser.add_argument("--max-epochs", type=int, default=30, help="maximum epochs of each training (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="number of processes (%(default)s)")
    given = parser.parse_args(argv)
    settings = {**_SETTINGS, "max_epochs": given.max_epochs}
    jobs: dict[str, Job] = {
        f"{width}-{place}-{seed}": {"width": width, "task": task, "seed": seed, "settings": settings}
        for width in given.widths
        for place, task in enumerate(TASKS)
        for seed in range(given.seeds)
    }
    try:
        parts = list(kept_results(learn, jobs, given.output / "capacity", workers=given.workers).values())
    except KeyboardInterrupt:
        print("stopped; finished results are kept, and the same command resumes from them", file=sys.stderr)
        return 130
    runs: dict[str, list[TaskRun]] = {}
    num_parameters = {}
    for job, part in zip(jobs.values(), parts, strict=True):
        runs.setdefault(str(job["width"]), []).append(TaskRun(**part["run"]))
        num_parameters[str(job["width"])] = part["parameters"]
    shared = parts[0]["settings"]
    learned = {width: TaskDifficulty(tuple(of_width), shared) for width, of_width in runs.items()}
    result = InformationCapacity(learned, num_parameters, shared)
    text = report(result)
    write_text(given.output / "capacity.md", text)
    save_small(plot_information_capacity(result), given.output / "capacity.png")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
