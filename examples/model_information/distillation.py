"""Bits that a teacher saves a small network on digits: students of 8 units, teachers of 16, 32 and 128.

Run ``python -m examples.model_information.distillation --output FOLDER``. Existing results are reused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from torch import Tensor

from examples.model_information.cells import cell
from examples.model_information.digits import perceptron
from examples.model_information.kept_results import Job, kept_results
from lightning_infomem.model_information import synced_distillation
from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.plots import save_figure
from lightning_infomem.reporting.text_file import write_text

__all__ = ["plot_gains", "table"]

STUDENT = 8  # units
TEACHERS = (16, 32, 128)
ALPHAS = (0.1, 0.3, 0.5, 0.7, 0.9)  # at 0 both codes are equal, as a test of the package shows
SEEDS = (0, 1, 2)
SAMPLES = 800
SETTINGS: dict[str, Any] = {
    "temperature": 4.0,
    "blocks": [5, 10, 20, 40, 100],
    "start": "cold",
    "max_epochs": 30,
    "batch_size": 16,
    "learning_rate": 0.01,
}
_COLORS = ("#0072B2", "#E69F00", "#D55E00")  # from the Okabe-Ito palette

Records = list[dict[str, Any]]


def digits(count: int) -> tuple[Tensor, Tensor]:
    """Return images ``[samples, 64]`` from 0 to 1 and their classes."""
    found = load_digits()
    return torch.tensor(found.data[:count] / 16, dtype=torch.float32), torch.tensor(found.target[:count])


def distil(job: Job) -> Records:
    """Return the codes of one teacher and one alpha."""
    student, teacher = (partial(perceptron, job[name]) for name in ("student", "teacher"))
    settings = {**job["settings"], "seeds": job["seeds"], "progress": False}
    found = synced_distillation(student, teacher, digits(job["samples"]), alpha=job["alpha"], **settings)
    return found.to_records()


def table(parts: Sequence[tuple[Job, Records]]) -> str:
    """Return a Markdown table of the bits that each teacher saves at each alpha, and of the teachers' codes."""
    first = parts[0][0]
    alone = cell(*mean_and_spread([row["bits_without_teacher"] for row in parts[0][1]]))
    settings = ", ".join(f"{name} {value}" for name, value in first["settings"].items())
    lines = [
        f"Bits that a teacher saves a student of {first['student']} units on {first['samples']} digits: mean ± half of "
        f"the 95 % interval over seeds {', '.join(map(str, first['seeds']))}. Without a teacher, the student's code "
        f"has {alone} bits, the uniform code {parts[0][1][0]['uniform_bits']:,.0f}. At alpha 0, exactly 0 bits are "
        "saved.",
        "",
    ]
    widths = list(dict.fromkeys(job["teacher"] for job, _ in parts))
    lines.append("| alpha | " + " | ".join(f"teacher of {width}" for width in widths) + " |")
    lines.append("|---" * (len(widths) + 1) + "|")
    for alpha in dict.fromkeys(job["alpha"] for job, _ in parts):
        cells = [cell(*mean_and_spread(_gains(parts, width, alpha))) for width in widths]
        lines.append(f"| {alpha:g} | " + " | ".join(cells) + " |")
    teachers = {job["teacher"]: [row["teacher_bits"] for row in rows] for job, rows in parts}
    cells = [cell(*mean_and_spread(teachers[width])) for width in widths]
    lines.append(f"| the teacher's own code | {' | '.join(cells)} |")
    return "\n".join([*lines, "", _verdict(parts), "", f"Settings: {settings}."]) + "\n"


def _verdict(parts: Sequence[tuple[Job, Records]]) -> str:
    """Compare the trends with those of the source."""
    gains = [mean_and_spread([row["gain_bits"] for row in rows]) for job, rows in parts if job["alpha"]]
    above, below = sum(mean > spread for mean, spread in gains), sum(-mean > spread for mean, spread in gains)
    return (
        f"Of {len(gains)} intervals, {above} lie entirely above 0 and {below} entirely below. In the source, with "
        "residual networks, gains rise with alpha up to about 0.2 and then level off, and larger teachers save more: "
        "453 bits with 20 layers, 1,246 with 56, 1,278 with 101."
    )


def plot_gains(parts: Sequence[tuple[Job, Records]]) -> Figure:
    """Draw the bits saved against alpha, one line per teacher, with intervals over seeds."""
    figure = Figure(figsize=(5.0, 3.3), layout="constrained")
    axes = figure.subplots()
    alphas = list(dict.fromkeys(job["alpha"] for job, _ in parts))
    axes.axhline(0, color="0.6", linewidth=1)
    for place, width in enumerate(dict.fromkeys(job["teacher"] for job, _ in parts)):
        means, spreads = zip(*(mean_and_spread(_gains(parts, width, alpha)) for alpha in alphas), strict=True)
        beside = [alpha + 0.012 * (place - 1) for alpha in alphas]
        label = f"teacher of {width} units"
        axes.errorbar(beside, means, spreads, fmt="o-", color=_COLORS[place % 3], capsize=3, markersize=5, label=label)
    axes.set_xlabel("alpha, weight of the teacher", fontsize=11)
    axes.set_ylabel("bits saved", fontsize=11)
    axes.tick_params(labelsize=10)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=9, frameon=False)
    first = parts[0][0]
    axes.set_title(
        f"student of {first['student']} units, {first['samples']} digits, {len(first['seeds'])} seeds", fontsize=11
    )
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute missing results, and write the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="output folder, created if missing")
    parser.add_argument("--teachers", type=int, nargs="+", default=list(TEACHERS), help="widths of the teachers")
    parser.add_argument("--alphas", type=float, nargs="+", default=list(ALPHAS), help="weights of the teacher")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of the repetitions")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="number of digits")
    parser.add_argument("--epochs", type=int, default=SETTINGS["max_epochs"], help="maximum epochs of each training")
    parser.add_argument("--workers", type=int, default=2, help="number of processes, with one thread each")
    given = parser.parse_args(arguments)
    settings = {**SETTINGS, "max_epochs": given.epochs}
    shared = {"student": STUDENT, "seeds": given.seeds, "samples": given.samples, "settings": settings}
    jobs: dict[str, Job] = {
        f"teacher-{width}-alpha-{alpha}": {**shared, "teacher": width, "alpha": alpha}
        for width in given.teachers
        for alpha in given.alphas
    }
    try:
        kept = kept_results(distil, jobs, given.output / "distillation", workers=given.workers)
    except KeyboardInterrupt:
        print("stopped; finished results are kept, and the same command resumes from them", file=sys.stderr)
        return 130
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return 2
    parts = [(jobs[name], records) for name, records in kept.items()]
    text = table(parts)
    write_text(given.output / "distillation.md", text)
    save_figure(plot_gains(parts), given.output / "distillation.png")
    print(text)
    return 0


def _gains(parts: Sequence[tuple[Job, Records]], width: int, alpha: float) -> list[float]:
    return [row["gain_bits"] for job, rows in parts if (job["teacher"], job["alpha"]) == (width, alpha) for row in rows]


if __name__ == "__main__":
    sys.exit(main())
