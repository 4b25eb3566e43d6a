"""Labels of figures: short names of checkpoints and layers, names beside the ends of lines, and round numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from sklearn.isotonic import isotonic_regression

from lightning_infomem.plots import style
from lightning_infomem.plots.choose_evenly import choose_evenly
from lightning_infomem.records.file_names import common_folder

__all__ = [
    "MOST_NAMED",
    "name_checkpoints",
    "name_ends",
    "name_round_numbers",
    "shorten_layer_names",
    "shorten_name",
]

MOST_NAMED = 20  # lines or rows; more names would touch

# Characters of a name, and of its start if the middle is left out.
_LONGEST, _START = 38, 12
_LONGEST_LAYER, _START_OF_LAYER = 24, 8
_LABEL_GAP = 0.05  # share of the height of the panel: one line of text


def name_checkpoints(paths: Sequence[Path]) -> list[str]:
    """Name checkpoints by the parts of their paths that differ.

    Args:
        paths: Paths of the checkpoints, at least one.

    Returns:
        One name per path, of at most 38 characters: without the common folder and the common end; if still too long,
        without the common start. Different paths have different names, if necessary with the position in brackets.

    >>> name_checkpoints([Path("runs/a/last.ckpt"), Path("runs/b/last.ckpt")])
    ['a', 'b']
    """
    folder = common_folder(paths)
    names = [Path(os.path.relpath(path, folder)).as_posix() for path in paths]
    suffixes = {path.suffix for path in paths}
    if len(suffixes) == 1:
        names = [name.removesuffix(path.suffix) for name, path in zip(names, paths, strict=True)]
    _, slash, last = names[0].rpartition("/")
    if len(names) > 1 and slash and all(name.endswith(f"/{last}") for name in names):
        names = [name.removesuffix(f"/{last}") for name in names]
    if max(map(len, names)) > _LONGEST:
        # Drop whole words only: the common start up to its last separator.
        shared = re.sub(r"[^/_ -]*$", "", os.path.commonprefix(names))  # noqa: RUF071
        names = [f"…{name[len(shared) :]}" if shared else name for name in names]
    short = [shorten_name(name) for name in names]
    if len(set(short)) == len(set(paths)):
        return short
    end = len(f" ({len(short)})")
    return [f"{shorten_name(name, _LONGEST - end)} ({place})" for place, name in enumerate(names, start=1)]


def shorten_name(name: str, longest: int = _LONGEST, start: int = _START) -> str:
    """Shorten a name to ``longest`` characters by leaving out its middle, after the first ``start`` characters.

    >>> shorten_name("a-name-that-says-all-about-the-run", 20)
    'a-name-that-…the-run'
    """
    return name if len(name) <= longest else f"{name[:start]}…{name[start + 1 - longest :]}"


def shorten_layer_names(names: Sequence[str]) -> list[str]:
    """Shorten layer names to at most 24 characters.

    Args:
        names: Names of the layers, at least one.

    Returns:
        One name per layer, in the same order. If any name is too long, all lose their common first parts; those still
        too long lose their middle. Two short names may be equal.

    >>> shorten_layer_names(["model.encoder.layers.0.linear", "model.encoder.layers.1.linear"])
    ['…0.linear', '…1.linear']
    """
    if max(map(len, names)) > _LONGEST_LAYER:
        parts = [name.split(".") for name in names]
        shared = 0
        while all(len(part) > shared + 1 for part in parts) and len({part[shared] for part in parts}) == 1:
            shared += 1
        if shared:
            names = ["…" + ".".join(part[shared:]) for part in parts]
    return [shorten_name(name, _LONGEST_LAYER, _START_OF_LAYER) for name in names]


def name_ends(
    axes: Axes, ends: Sequence[tuple[float, float] | None], labels: Sequence[str], *, gap: float = _LABEL_GAP
) -> None:
    """Name the ends of lines in a column beside the panel, in the order of their heights, so that no names touch.

    Args:
        axes: Panel with all lines drawn.
        ends: End of each line in data coordinates; None gets no name. Above 20 lines, 20 evenly spaced ones are named.
        labels: Name of each line.
        gap: Distance between names, as a share of the height of the panel. A low panel needs a larger one.
    """
    chosen = choose_evenly(len(ends), MOST_NAMED)
    named = [(end, labels[index]) for index in chosen if (end := ends[index]) is not None]
    axes.autoscale_view()
    to_panel = axes.transScale + axes.transLimits
    named.sort(key=lambda each: each[0][1])
    heights = [float(to_panel.transform(end)[1]) for end, _ in named]
    leader = {"color": style.MIDDLE, "linewidth": style.FINEST}  # line from a name to its point
    for (end, label), height in zip(named, _spread(heights, gap), strict=True):
        axes.annotate(
            label, end, xytext=(1.04, height), textcoords="axes fraction", va="center", fontsize=style.TEXT,
            parse_math=False, annotation_clip=False, zorder=2,
            arrowprops={"arrowstyle": "-", "relpos": (0, 0.5), "shrinkA": 1, "shrinkB": 5, **leader},
        )  # fmt: skip


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move ascending heights as little as possible, within the panel, so that they are ``gap`` apart."""
    if not heights:
        return []
    # Without the gaps below them, the heights must not fall: this is isotonic regression.
    below = gap * np.arange(len(heights))
    moved = isotonic_regression(np.array(heights) - below, y_min=0.0, y_max=1.0 - below[-1])
    return [float(height) for height in moved + below]


def name_round_numbers(axis: Axis) -> None:
    """Label 1, 2 and 5 of each decade of a logarithmic axis, which may span less than a decade."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:.4g}"))
    axis.set_minor_formatter(NullFormatter())
