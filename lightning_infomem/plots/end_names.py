"""Names of lines at their ends, beside the panel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from sklearn.isotonic import isotonic_regression

__all__ = ["MOST_NAMED", "name_ends"]

MOST_NAMED = 20  # more would touch one another
_LABEL_GAP = 0.05  # of the height of the panel: a line of text
_LEADER = {"color": "0.55", "linewidth": 0.6}  # from a name to its point


def name_ends(
    axes: Axes, ends: Sequence[tuple[float, float] | None], labels: Sequence[str], *, gap: float = _LABEL_GAP
) -> None:
    """Name the ends in a column beside the panel, in the order of their heights, so that no two names touch.

    Args:
        axes: with all lines drawn.
        ends: of the lines, in the units of the axes; None has no name. Of more than 20, 20 evenly chosen are named.
        labels: one an end.
        gap: of a name to the next, as a share of the height of the panel; in a low one a line of text is more of it.
    """
    chosen = np.linspace(0, len(ends) - 1, min(len(ends), MOST_NAMED)).round().astype(int)
    named = [(end, labels[index]) for index in chosen if (end := ends[index]) is not None]
    axes.autoscale_view()
    to_panel = axes.transScale + axes.transLimits
    named.sort(key=lambda each: each[0][1])
    heights = [float(to_panel.transform(end)[1]) for end, _ in named]
    for (end, label), height in zip(named, _spread(heights, gap), strict=True):
        axes.annotate(
            label, end, xytext=(1.04, height), textcoords="axes fraction", va="center", fontsize=10, parse_math=False,
            annotation_clip=False, zorder=2,
            arrowprops={"arrowstyle": "-", "relpos": (0, 0.5), "shrinkA": 1, "shrinkB": 5, **_LEADER},
        )  # fmt: skip


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """The nearest heights within the panel to these rising ones that are a line of text apart."""
    if not heights:
        return []
    # What is left of them without the lines below must rise: a regression under that condition.
    below = gap * np.arange(len(heights))
    moved = isotonic_regression(np.array(heights) - below, y_min=0.0, y_max=1.0 - below[-1])
    return [float(height) for height in moved + below]
