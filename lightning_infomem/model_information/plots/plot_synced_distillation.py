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

if TYPE_CHECKING:
    from lightning_infomem.model_information.online_code import OnlineCode
    from lightning_infomem.model_information.synced_distillation import SyncedDistillation

__all__ = ["plot_synced_distillation"]

# The Okabe-Ito palette, safe for colour-blind readers.
_WITH, _WITHOUT, _TEACHER, _UNIFORM = "#0072B2", "#D55E00", "0.35", "0.55"
_OPACITY = 0.18


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
    axes.axhline(uniform, color=_UNIFORM, linestyle=":", linewidth=1.4, label=f"uniform code, {uniform:.3g} bits")
    highest = [
        uniform,
        _draw(axes, result.without_teacher, "student without teacher", _WITHOUT, "o-"),
        _draw(axes, result.with_teacher, "student with teacher", _WITH, "s-"),
        _draw(axes, result.teacher, "teacher", _TEACHER, "--"),
    ]
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(10, (1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(0, 1.15 * max(highest))
    axes.set_xlabel("samples before the block", fontsize=12)
    axes.set_ylabel("bits a label of the block", fontsize=12)
    axes.tick_params(labelsize=11)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=10, frameon=False)
    axes.set_title(_title(result), fontsize=12)
    return figure


def _draw(axes: Axes, codes: Sequence[OnlineCode], name: str, color: str, line: str) -> float:
    """Draw one line with its band, and return the highest mean."""
    sizes = codes[0].block_sizes
    before = np.cumsum([0, *sizes[:-1]])
    shown = [place for place in range(1, len(sizes)) if sizes[place]]
    costs = [mean_and_spread([code.block_bits[place] / sizes[place] for code in codes]) for place in shown]
    means, spreads = np.array(costs).reshape(-1, 2).T
    means[~np.isfinite(means)] = np.nan  # leaves a gap
    axes.plot(before[shown], means, line, color=color, linewidth=1.6, markersize=4.5, label=name)
    if np.isfinite(spreads).any():
        axes.fill_between(before[shown], means - spreads, means + spreads, color=color, alpha=_OPACITY, linewidth=0)
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
