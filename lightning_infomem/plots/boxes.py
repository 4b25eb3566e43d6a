"""Notched boxes of entropies, one per layer or checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import boxplot_stats
from numpy.typing import NDArray

from lightning_infomem.plots import style

__all__ = ["draw_boxes"]

# With fewer units, the interval of the median reaches beyond the quartiles, so the units are drawn instead.
_FEWEST_UNITS = 16


def draw_boxes(axes: Axes, entropies: Sequence[NDArray[Any]], colors: NDArray[Any]) -> None:
    """Draw boxes at 0, 1, ...: quartiles, whiskers 1.5 times as long, a notch for the 95 % interval of the median.

    Fewer than 16 units have no notch and are drawn as points. Text replaces the box if there is no unit.

    Args:
        axes: Panel to draw on; the caller labels the boxes.
        entropies: Finite entropies of each box in nats, float64 ``[units]``.
        colors: Colour of each box, float64 ``[boxes, 4]``.

    Reference:
        The interval of the median: Conover, Practical Nonparametric Statistics, with the normal approximation.
    """
    for position, (entropy, color) in enumerate(zip(entropies, colors, strict=True)):
        if len(entropy) == 0:
            axes.text(position, 0, "no finite entropy", ha="center", va="bottom", rotation=90, fontsize=style.TINY)
        elif len(entropy) < _FEWEST_UNITS:
            places = np.full(len(entropy), position)
            axes.plot(places, entropy, "o", color=color, markersize=style.SMALL_DOT, alpha=style.SOLID)
    for notched in (False, True):
        positions = [place for place, each in enumerate(entropies) if (len(each) >= _FEWEST_UNITS) == notched]
        if positions:
            _draw_at(axes, positions, entropies, colors, notched=notched)
    highest = max((float(entropy.max()) for entropy in entropies if len(entropy)), default=0.0)
    highest = highest if highest > 0 else 1.0
    axes.set_xlim(-0.6, len(entropies) - 0.4)
    axes.set_ylim(-0.03 * highest, 1.05 * highest)
    axes.tick_params(axis="y", labelsize=style.LABEL)
    axes.set_ylabel("entropy per unit (nats)", fontsize=style.HEADING)
    axes.set_title("box: quartiles · notch: 95 % interval of the median", fontsize=style.TEXT)


def _draw_at(
    axes: Axes, positions: Sequence[int], entropies: Sequence[NDArray[Any]], colors: NDArray[Any], *, notched: bool
) -> None:
    """Draw all boxes in one call and colour them afterwards; one call per box takes three times as long."""
    boxes = [boxplot_stats(entropies[position])[0] for position in positions]
    for position, box in zip(positions, boxes, strict=True):
        if notched:
            reach = 1.96 / 2 / len(entropies[position]) ** 0.5
            box["cilo"], box["cihi"] = np.quantile(entropies[position], [0.5 - reach, 0.5 + reach])
    drawn = axes.bxp(
        boxes, positions=positions, widths=0.7, shownotches=notched, showfliers=notched, patch_artist=True,
        manage_ticks=False, medianprops={"color": style.BLACK, "linewidth": style.TICK},
        flierprops={"marker": ".", "markersize": 3, "markeredgecolor": "none"},
    )  # fmt: skip
    for place, position in enumerate(positions):
        color = colors[position]
        drawn["boxes"][place].set(facecolor=(*color[:3], style.FILLED), edgecolor=color)
        for line in (*drawn["whiskers"][2 * place :][:2], *drawn["caps"][2 * place :][:2]):
            line.set_color(color)
        for dots in drawn["fliers"][place : place + 1]:
            dots.set_markerfacecolor(color)
