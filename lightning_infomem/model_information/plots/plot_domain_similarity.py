"""Similarities of domains as maps with numbers."""

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

_MOST_NUMBERED, _MOST_WITH_INTERVALS = 14, 8  # domains; the numbers of more would touch
_CELL = 0.62  # inches
_NARROWEST, _WIDEST = 3.1, 7.0  # inches of a map
_BRIGHT = 0.6  # shade from which numbers are black


def plot_domain_similarity(result: DomainSimilarity) -> Figure:
    """Draw the similarity S of all pairs of domains, and beside it S_uni, the share that a source knows of a target.

    Args:
        result: as `domain_similarity` returns it.

    Returns:
        A figure that belongs to no window and no pyplot state: two maps, a row a source, a column a target, in the
        order of the domains. Each cell has the mean over seeds, and below it half the width of the 95 % interval where
        there are several seeds and at most 8 domains; of more than 14 domains there are colours only. The colours go
        from 0 to 1: what is below or above has the colour of the end. Grey is not known, for the domain's own model
        knows nothing.
    """
    rows = result.to_records()
    count = len(result.domains)
    side = min(max(_CELL * count, _NARROWEST), _WIDEST)
    figure = Figure(figsize=(2 * side + 2.6, side + 1.9), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    told = {"similarity": "similarity S", "unidirectional_similarity": "S_uni: share of the target known"}
    for axes, (name, title) in zip(panels, told.items(), strict=True):
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
    beyond = [row[name] for row in rows for name in told]
    low, high = np.nanmin([0, *beyond]) < 0, np.nanmax([1, *beyond]) > 1
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
