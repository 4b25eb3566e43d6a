"""Figure of the similarities between domains, as annotated heat maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from lightning_infomem.plots import style

if TYPE_CHECKING:
    from lightning_infomem.model_information.domain_similarity import DomainSimilarity

__all__ = ["plot_domain_similarity"]

_MOST_NUMBERED, _MOST_WITH_INTERVALS = 14, 8  # domains; with more of them, the numbers would touch
_CELL = 0.62  # inches
_NARROWEST, _WIDEST = 3.1, 7.0  # width of a map in inches
_BRIGHT = 0.6  # values above it get black text


def plot_domain_similarity(result: DomainSimilarity) -> Figure:
    """Draw S and S_uni, the share of the target's information that the source knows, for all pairs of domains.

    Args:
        result: Result of `domain_similarity`.

    Returns:
        A figure without a window or pyplot state: two maps with one row per source and one column per target, in the
        order of the domains. Each cell shows the mean over seeds and, with several seeds and at most 8 domains, the
        half-width of the 95 % interval. Above 14 domains, cells have no numbers. The colour scale runs from 0 to 1;
        values outside of it get the colour of the nearest end. Grey means undefined: the domain's own model knows
        nothing.
    """
    rows = result.to_records()
    count = len(result.domains)
    side = min(max(_CELL * count, _NARROWEST), _WIDEST)
    figure = Figure(figsize=(2 * side + 2.6, side + 1.9), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    titles = {"similarity": "similarity S", "unidirectional_similarity": "S_uni: share of the target known"}
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        means, spreads = (
            np.array([row[each] for row in rows]).reshape(count, count) for each in (name, f"{name}_spread")
        )
        image = _draw(axes, means, spreads)
        axes.set_title(title, fontsize=style.HEADING, parse_math=False)
        axes.set_xlabel("held-out labels of", fontsize=style.LABEL)
        axes.set_xticks(
            range(count),
            result.domains,
            fontsize=style.TEXT,
            rotation=30,
            ha="right",
            rotation_mode="anchor",
            parse_math=False,
        )
    panels[0].set_ylabel("model trained on", fontsize=style.LABEL)
    panels[0].set_yticks(range(count), result.domains, fontsize=style.TEXT, parse_math=False)
    values = [row[name] for row in rows for name in titles]
    low, high = np.nanmin([0, *values]) < 0, np.nanmax([1, *values]) > 1
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get((bool(low), bool(high)), "neither")
    figure.colorbar(image, ax=panels, extend=extend, fraction=0.03, pad=0.02).ax.tick_params(labelsize=style.NOTE)
    seeds = len(result.seeds)
    interval = ", with half the width of the 95 % interval" if _has_intervals(seeds, count) else ""
    figure.suptitle(f"mean of {seeds} seeds{interval}" if seeds > 1 else "one seed", fontsize=style.LABEL)
    return figure


def _draw(axes: Axes, means: NDArray[Any], spreads: NDArray[Any]) -> AxesImage:
    shades, scale = style.value_colors(style.UNKNOWN), Normalize(0, 1)
    image = axes.imshow(means, cmap=shades, norm=scale, aspect="auto")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(means) <= _MOST_NUMBERED:
        for (row, column), mean in np.ndenumerate(means):
            text = "?" if np.isnan(mean) else f"{mean:.2f}"
            if len(means) <= _MOST_WITH_INTERVALS and np.isfinite(spreads[row, column]):
                text += f"\n±{spreads[row, column]:.2f}"
            color = style.BLACK if not mean <= _BRIGHT else style.WHITE  # on grey, too
            axes.text(column, row, text, ha="center", va="center", fontsize=style.NOTE, color=color)
    return image


def _has_intervals(seeds: int, domains: int) -> bool:
    return seeds > 1 and domains <= _MOST_WITH_INTERVALS
