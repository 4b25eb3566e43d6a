"""How checkpoints, layers, rows, the ends of lines, and numbers are named in figures."""

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

__all__ = [
    "MOST_NAMED",
    "name_checkpoints",
    "name_ends",
    "name_round_numbers",
    "name_rows",
    "shorten_layer_names",
    "shorten_name",
]

MOST_NAMED = 20  # more lines or rows would touch one another

# Characters of a name, and how many of its start stay where the middle is left out.
_LONGEST, _START = 38, 12
_LONGEST_LAYER, _START_OF_LAYER = 24, 8
_ROOM = 44  # characters in a line below boxes, with one between any two labels
_LABEL_GAP = 0.05  # of the height of the panel: a line of text


def name_checkpoints(paths: Sequence[Path]) -> list[str]:
    """Paths below the folder that all share, without what all end with; where long, without a start that all share.

    Args:
        paths: at least one.

    Returns:
        One name a path, of at most 38 characters. They differ wherever the paths do; if need be by the path's place in
        brackets.

    >>> name_checkpoints([Path("runs/a/last.ckpt"), Path("runs/b/last.ckpt")])
    ['a', 'b']
    """
    folder = os.path.commonpath([path.parent for path in paths]) or "."
    names = [Path(os.path.relpath(path, folder)).as_posix() for path in paths]
    suffixes = {path.suffix for path in paths}
    if len(suffixes) == 1:
        names = [name.removesuffix(path.suffix) for name, path in zip(names, paths, strict=True)]
    _, slash, last = names[0].rpartition("/")
    if len(names) > 1 and slash and all(name.endswith(f"/{last}") for name in names):
        names = [name.removesuffix(f"/{last}") for name in names]
    if max(map(len, names)) > _LONGEST:
        # By letters, but whole words only: a start is dropped up to its last separator.
        shared = re.sub(r"[^/_ -]*$", "", os.path.commonprefix(names))  # noqa: RUF071
        names = [f"…{name[len(shared) :]}" if shared else name for name in names]
    short = [shorten_name(name) for name in names]
    if len(set(short)) == len(set(paths)):
        return short
    end = len(f" ({len(short)})")
    return [f"{shorten_name(name, _LONGEST - end)} ({place})" for place, name in enumerate(names, start=1)]


def shorten_name(name: str, longest: int = _LONGEST, start: int = _START) -> str:
    """Leave the middle of a name out where it is longer than ``longest`` characters, after ``start`` of them.

    >>> shorten_name("a-name-that-says-all-about-the-run", 20)
    'a-name-that-…the-run'
    """
    return name if len(name) <= longest else f"{name[:start]}…{name[start + 1 - longest :]}"


def shorten_layer_names(names: Sequence[str]) -> list[str]:
    """Names that fit: where one is long, all without the parts that all begin with, and then without their middle.

    Args:
        names: at least one.

    Returns:
        One name a layer, in the same order, of at most 24 characters; two may then be alike.

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


def name_rows(boxes: Axes, rows: Axes, names: Sequence[str], numbers: Sequence[int], *, what: str) -> None:
    """Name them on both axes; where names do not fit below the boxes, by numbers that the rows explain.

    Args:
        boxes: a box each at 0, 1, ...
        rows: a row each, the first on top.
        names: of all.
        numbers: of all, to stand in for names.
        what: they are, such as "layer".
    """
    positions = range(0, len(names), -(-len(names) // MOST_NAMED))
    row_labels = box_labels = [names[position] for position in positions]
    every = 1
    if _room(row_labels) > _ROOM:
        box_labels = [str(numbers[position]) for position in positions]
        row_labels = [f"{name}  {number}" for name, number in zip(row_labels, box_labels, strict=True)]
        boxes.set_xlabel(f"{what}, numbered as on the right", fontsize=style.HEADING)
        every = -(-_room(box_labels) // _ROOM)
    boxes.set_xticks(positions[::every], box_labels[::every], fontsize=style.NOTE, parse_math=False)
    rows.set_yticks(
        [len(names) - 1 - position for position in positions], row_labels, fontsize=style.NOTE, parse_math=False
    )


def _room(labels: Sequence[str]) -> int:
    return sum(map(len, labels)) + len(labels) - 1


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
    leader = {"color": style.MIDDLE, "linewidth": style.FINEST}  # from a name to its point
    for (end, label), height in zip(named, _spread(heights, gap), strict=True):
        axes.annotate(
            label, end, xytext=(1.04, height), textcoords="axes fraction", va="center", fontsize=style.TEXT,
            parse_math=False, annotation_clip=False, zorder=2,
            arrowprops={"arrowstyle": "-", "relpos": (0, 0.5), "shrinkA": 1, "shrinkB": 5, **leader},
        )  # fmt: skip


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """The nearest heights within the panel to these rising ones that are a line of text apart."""
    if not heights:
        return []
    # What is left of them without the lines below must rise: a regression under that condition.
    below = gap * np.arange(len(heights))
    moved = isotonic_regression(np.array(heights) - below, y_min=0.0, y_max=1.0 - below[-1])
    return [float(height) for height in moved + below]


def name_round_numbers(axis: Axis) -> None:
    """Name 1, 2 and 5 of each decade of a logarithmic axis, which may hold less than a decade."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:.4g}"))
    axis.set_minor_formatter(NullFormatter())
