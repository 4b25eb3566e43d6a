"""Figure of online codes: bits per label against the number of labels known."""

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
    """Draw the bits per label of each block against the number of labels known before it, and the total bits.

    On a linear axis, the area below a line would be the code length. Do not draw codes with different numbers of
    classes together; their bits are not comparable.

    Args:
        report: Codes to draw.

    Returns:
        A figure without a window or pyplot state. Left: one line per name, the mean over seeds with its 95 % interval
        by Student's t; the first block, empty blocks and infinite codes are left out. The dashed line is the cost of a
        label in the uniform code. Right: the bits of each name, split into the cost of the labels once the model is
        known and, above it, the bits of the model, if both are known; the black bar is the interval of their sum.
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
    left.set_title("bits per label of the next block", fontsize=style.LABEL, loc="left")
    left.legend(frameon=False, fontsize=style.TEXT)
    totals = np.array([row["code_bits"] for row in records], dtype=float)
    data, spreads = (_finite([row[name] for row in records]) for name in ("data_bits", "code_bits_spread"))
    places = np.arange(len(records))
    right.bar(places, data, 0.6, color=style.DATA, label="labels, once the model is known")
    right.bar(places, _finite(totals - data), 0.6, bottom=data, color=style.MODEL, label="model")
    right.errorbar(places, totals, spreads, linestyle="", color=style.BLACK, capsize=3)
    right.set_xticks(places, [shorten_name(row["name"]) for row in records], parse_math=False)
    right.set_title("total code (bits)", fontsize=style.LABEL, loc="left")
    if data.any():
        right.legend(frameon=False, fontsize=style.TEXT)
        right.margins(y=0.3)
    for axes in (left, right):
        style.frame(axes, labels=style.TEXT)
    figure.suptitle(f"online codes · {describe_seeds(records)}", fontsize=style.HEADING, parse_math=False)
    return figure


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    """Replace non-finite values by 0, a bar without height."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, 0.0)
