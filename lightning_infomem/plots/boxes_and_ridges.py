"""Figure of two panels: boxes of the entropies and ridges of the mutual information."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lightning_infomem.plots import style
from lightning_infomem.plots.boxes import draw_boxes
from lightning_infomem.plots.names import MOST_NAMED
from lightning_infomem.plots.ridges import Ridge, draw_ridges
from lightning_infomem.records.report import LayerInformation

__all__ = ["draw_boxes_and_ridges"]

_ROW_HEIGHT, _LOWEST, _HIGHEST = 0.14, 4.8, 8.0  # inches
_ROOM = 44  # characters that fit in a line below the boxes, with one space between labels


def draw_boxes_and_ridges(
    groups: Sequence[Sequence[LayerInformation]],
    names: Sequence[str],
    numbers: Sequence[int],
    colors: NDArray[Any],
    *,
    what: str,
) -> tuple[Figure, Axes, Axes]:
    """Draw one box and one ridge per group of layers.

    Args:
        groups: Layers of each box and ridge.
        names: Name of each group, for both panels.
        numbers: Number of each group. Where names do not fit below the boxes, numbers replace them; the ridges explain
            the numbers.
        colors: Colour of each group, float64 ``[groups, 4]``.
        what: What a group is, such as "layer".

    Returns:
        The figure, the panel of the boxes and the panel of the ridges.
    """
    height = min(max(_LOWEST, _ROW_HEIGHT * len(groups)), _HIGHEST)
    figure = Figure(figsize=(11, height), layout="constrained")
    boxes, ridges = figure.subplots(1, 2, width_ratios=[1.0, 1.1])
    entropies = [
        np.concatenate([layer.finite_entropy().detach().cpu().numpy() for layer in layers]) for layers in groups
    ]
    draw_boxes(boxes, entropies, colors)
    draw_ridges(ridges, [Ridge.of(layers) for layers in groups], colors)
    _name(boxes, ridges, names, numbers, what)
    for axes in (boxes, ridges):
        axes.spines[["top", "right"]].set_visible(False)
    return figure, boxes, ridges


def _name(boxes: Axes, ridges: Axes, names: Sequence[str], numbers: Sequence[int], what: str) -> None:
    positions = range(0, len(names), -(-len(names) // MOST_NAMED))
    ridge_labels = box_labels = [names[position] for position in positions]
    stride = 1
    if _length(ridge_labels) > _ROOM:
        box_labels = [str(numbers[position]) for position in positions]
        ridge_labels = [f"{name}  {number}" for name, number in zip(ridge_labels, box_labels, strict=True)]
        boxes.set_xlabel(f"{what}, numbered as on the right", fontsize=style.HEADING)
        stride = -(-_length(box_labels) // _ROOM)
    boxes.set_xticks(positions[::stride], box_labels[::stride], fontsize=style.NOTE, parse_math=False)
    bases = [len(names) - 1 - position for position in positions]
    ridges.set_yticks(bases, ridge_labels, fontsize=style.NOTE, parse_math=False)


def _length(labels: Sequence[str]) -> int:
    return sum(map(len, labels)) + len(labels) - 1
