"""Bar chart of the bits that a model loses without each component."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_infomem.plots.layer_names import shorten_layer_names

if TYPE_CHECKING:
    from lightning_infomem.model_information.information_ablation import InformationAblation

__all__ = ["plot_information_ablation"]

_BAR, _LINE = "#0072B2", 0.32  # colour; inches per component
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
    panels[0].axvline(whole["bits"], color="0.3", linewidth=1, linestyle="--")
    panels[0].set_xlabel("bits lost without it (dashed: whole model)", fontsize=11)
    panels[1].set_xlabel("bits lost per parameter", fontsize=11)
    names = shorten_layer_names([row["component"] for row in rows])
    panels[0].set_yticks(range(len(rows)), names, fontsize=10, parse_math=False)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    runs = f"mean of {len(result.seeds)} runs" if len(result.seeds) > 1 else "one run"
    figure.suptitle(
        f"{runs} · whole model {whole['bits']:,.0f} bits, sum of components {summed['bits']:,.0f}: not additive",
        fontsize=11,
    )
    return figure


def _draw(axes: Axes, rows: list[dict[str, Any]], name: str) -> None:
    values = np.array([row[name] for row in rows])
    spreads = np.nan_to_num([row[f"{name}_spread"] for row in rows])
    axes.barh(
        range(len(rows)), values, xerr=spreads if spreads.any() else None, height=0.66, color=_BAR,
        error_kw={"ecolor": "0.3", "elinewidth": 1, "capsize": 2},
    )  # fmt: skip
    if len(rows) <= _MOST_NUMBERED:
        for place, (value, spread) in enumerate(zip(values, spreads, strict=True)):
            if math.isfinite(value):  # place the number beyond the end of the interval
                axes.annotate(
                    f"{value:,.0f}" if name == "bits" else f"{value:.3g}",
                    (value + math.copysign(spread, value), place), xytext=(4 if value >= 0 else -4, 0),
                    textcoords="offset points", va="center", ha="left" if value >= 0 else "right", fontsize=9,
                )  # fmt: skip
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.margins(x=0.18)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)
