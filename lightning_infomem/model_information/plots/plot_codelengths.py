"""How fast codes of labels become short: bits of a label against how many labels are known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from lightning_infomem.model_information.plots.plot_task_difficulty import describe_seeds, draw_intervals
from lightning_infomem.plots import style
from lightning_infomem.plots.names import name_round_numbers, shorten_name

if TYPE_CHECKING:
    from lightning_infomem.model_information.codelength_report import CodelengthReport

__all__ = ["plot_codelengths"]


def plot_codelengths(report: CodelengthReport) -> Figure:
    """Draw bits a label of each block against the number of labels known before it, and the bits in all.

    The area below a line, on an axis that is not logarithmic, is the length of the code. Not for codes with other
    numbers of classes, whose bits mean other things.

    Args:
        report: of codes.

    Returns:
        A figure that belongs to no window and no pyplot state. To the left a line a name, the mean over seeds with its
        95 % interval by Student's t; blocks of which nothing was known before, empty ones and infinite codes are left
        out; dashed, what a label costs of which nothing is known. To the right the bits of each name: what the labels
        cost once the model is known, and above it what is in the model, as far as both are known; black, the interval
        of their sum.
    """
    records = report.to_records()
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.4, 1.0])
    for place, name in enumerate(report.codes):
        rows = [row for row in report.blocks(name) if row["known"]]
        draw_intervals(left, [row["known"] for row in rows], rows, "bits", place, label=shorten_name(name))
    for bits in sorted({math.log2(codes[0].num_classes) for codes in report.codes.values()}):
        left.axhline(bits, color=style.LEVEL, linestyle="--", linewidth=style.FINE, label=f"uniform: {bits:.3g} bits")
    left.set_xscale("log")
    name_round_numbers(left.xaxis)
    left.set_ylim(bottom=0)
    left.set_xlabel("labels known", fontsize=style.LABEL)
    left.set_title("bits a label of the next block", fontsize=style.LABEL, loc="left")
    left.legend(frameon=False, fontsize=style.TEXT)
    totals = np.array([row["code_bits"] for row in records], dtype=float)
    data, spreads = (_finite([row[name] for row in records]) for name in ("data_bits", "code_bits_spread"))
    places = np.arange(len(records))
    right.bar(places, data, 0.6, color=style.DATA, label="labels, once the model is known")
    right.bar(places, _finite(totals - data), 0.6, bottom=data, color=style.MODEL, label="model")
    right.errorbar(places, totals, spreads, linestyle="", color=style.BLACK, capsize=3)
    right.set_xticks(places, [shorten_name(row["name"]) for row in records], parse_math=False)
    right.set_title("code in all (bits)", fontsize=style.LABEL, loc="left")
    if data.any():
        right.legend(frameon=False, fontsize=style.TEXT)
        right.margins(y=0.3)
    for axes in (left, right):
        style.frame(axes, labels=style.TEXT)
    figure.suptitle(f"online codes · {describe_seeds(records)}", fontsize=style.HEADING, parse_math=False)
    return figure


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    """With 0 for what is not: a bar of no height."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, 0.0)
