"""Bar chart of the bits that a model loses without each component."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_infomem.plots import style
from lightning_infomem.plots.names import shorten_layer_names

if TYPE_CHECKING:
    from lightning_infomem.model_information.information_ablation import InformationAblation

__all__ = ["plot_information_ablation"]

_LINE = 0.32  # inches per component
_MOST_NUMBERED = 40  # components


def plot_information_ablation(result: InformationAblation) -> Figure:
    """Draw the bits that a model loses without each component, in total and per parameter.

    Args:
        result: Result of `information_ablation`.

    Returns:
        A figure without a window or pyplot state, with one row per component in order, the first on top. Left: bits;
        right: bits per parameter; both with 95 % intervals if there are several runs. The dashed line marks the bits of
        the whole model; the title gives them with the sum over components, which differs because bits do not add up.
        Above 40 components, bars have no numbers.
    """
    *rows, summed, whole = result.to_records()
    figure = Figure(figsize=(8.6, 1.5 + _LINE * max(len(rows), 3)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, ("bits", "bits_per_parameter"), strict=True):
        _draw(axes, rows, name)
    panels[0].axvline(whole["bits"], color=style.DARK, linewidth=style.FINE, linestyle="--")
    panels[0].set_xlabel("bits lost without it (dashed: whole model)", fontsize=style.LABEL)
    panels[1].set_xlabel("bits lost per parameter", fontsize=style.LABEL)
    names = shorten_layer_names([row["component"] for row in rows])
    panels[0].set_yticks(range(len(rows)), names, fontsize=style.TEXT, parse_math=False)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    runs = f"mean of {len(result.seeds)} runs" if len(result.seeds) > 1 else "one run"
    figure.suptitle(
        f"{runs} · whole model {whole['bits']:,.0f} bits, sum of components {summed['bits']:,.0f}: not additive",
        fontsize=style.LABEL,
    )
    return figure


def _draw(axes: Axes, rows: list[dict[str, Any]], name: str) -> None:
    values = np.array([row[name] for row in rows])
    spreads = np.nan_to_num([row[f"{name}_spread"] for row in rows])
    axes.barh(
        range(len(rows)), values, xerr=spreads if spreads.any() else None, height=0.66, color=style.BLUE,
        error_kw={"ecolor": style.DARK, "elinewidth": style.FINE, "capsize": 2},
    )  # fmt: skip
    if len(rows) <= _MOST_NUMBERED:
        for place, (value, spread) in enumerate(zip(values, spreads, strict=True)):
            if math.isfinite(value):  # place the number beyond the end of the interval
                axes.annotate(
                    f"{value:,.0f}" if name == "bits" else f"{value:.3g}",
                    (value + math.copysign(spread, value), place), xytext=(4 if value >= 0 else -4, 0),
                    textcoords="offset points", va="center", ha="left" if value >= 0 else "right", fontsize=style.NOTE,
                )  # fmt: skip
    axes.axvline(0, color=style.DARK, linewidth=style.HAIR)
    axes.margins(x=0.18)
    style.frame_rows(axes)
