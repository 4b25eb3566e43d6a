"""Figure of a student's code with and without a teacher: bits per label against the number of samples seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.plots import style

if TYPE_CHECKING:
    from lightning_infomem.model_information.online_code import OnlineCode
    from lightning_infomem.model_information.synced_distillation import SyncedDistillation

__all__ = ["plot_synced_distillation"]


def plot_synced_distillation(result: SyncedDistillation) -> Figure:
    """Draw the bits per label of each block for the student with and without a teacher, and for the teacher.

    Do not read the area between two lines as bits: later blocks hold more labels. The title gives the bits.

    Args:
        result: Result of `synced_distillation`.

    Returns:
        A figure without a window or pyplot state: bits per label against the samples before the block, on a logarithmic
        axis. Lines are means over seeds; with two or more seeds, bands are their 95 % intervals, cut off above the
        lines. The first block and empty blocks are left out. The dotted line is the uniform code.
    """
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.subplots()
    first = result.without_teacher[0]
    uniform = math.log2(first.num_classes)
    axes.axhline(
        uniform, color=style.MIDDLE, linestyle=":", linewidth=style.MEDIUM, label=f"uniform code, {uniform:.3g} bits"
    )
    highest = [
        uniform,
        _draw(axes, result.without_teacher, "student without teacher", style.VERMILLION, "o-"),
        _draw(axes, result.with_teacher, "student with teacher", style.BLUE, "s-"),
        _draw(axes, result.teacher, "teacher", style.DARK, "--"),
    ]
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(10, (1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(0, 1.15 * max(highest))
    axes.set_xlabel("samples before the block", fontsize=style.HEADING)
    axes.set_ylabel("bits a label of the block", fontsize=style.HEADING)
    style.frame(axes)
    axes.legend(fontsize=style.TEXT, frameon=False)
    axes.set_title(_title(result), fontsize=style.HEADING)
    return figure


def _draw(axes: Axes, codes: Sequence[OnlineCode], name: str, color: str, line: str) -> float:
    """Draw one line with its band, and return the highest mean."""
    sizes = codes[0].block_sizes
    before = np.cumsum([0, *sizes[:-1]])
    shown = [place for place in range(1, len(sizes)) if sizes[place]]
    costs = [mean_and_spread([code.block_bits[place] / sizes[place] for code in codes]) for place in shown]
    means, spreads = np.array(costs).reshape(-1, 2).T
    means[~np.isfinite(means)] = np.nan  # leaves a gap
    axes.plot(before[shown], means, line, color=color, linewidth=style.LINE, markersize=style.SMALL_DOT, label=name)
    if np.isfinite(spreads).any():
        axes.fill_between(before[shown], means - spreads, means + spreads, color=color, alpha=style.BAND, linewidth=0)
    return float(np.nanmax(means, initial=0.0))


def _title(result: SyncedDistillation) -> str:
    mean, spread = result.gain
    around = f" ± {spread:,.0f}" if math.isfinite(spread) else ""
    verb = "saves" if mean >= 0 else "costs"
    labels = sum(result.with_teacher[0].block_sizes)
    seeds = f"{len(result.seeds)} seed{'s' * (len(result.seeds) > 1)}"
    return (
        f"the teacher {verb} {abs(mean):,.0f}{around} bits of {labels:,} labels\n"
        f"$\\alpha$ = {result.settings['alpha']:g}, T = {result.settings['temperature']:g}, {seeds}"
    )
