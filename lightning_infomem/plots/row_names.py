"""Names below boxes and beside rows, of the same things."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

__all__ = ["name_rows"]

_MOST_LABELS = 20  # more would touch one another
_ROOM = 44  # characters in a line below the boxes, with one between any two labels


def name_rows(boxes: Axes, rows: Axes, names: Sequence[str], numbers: Sequence[int], *, what: str) -> None:
    """Name them on both axes; where names do not fit below the boxes, by numbers that the rows explain.

    Args:
        boxes: a box each at 0, 1, ...
        rows: a row each, the first on top.
        names: of all.
        numbers: of all, to stand in for names.
        what: they are, such as "layer".
    """
    positions = range(0, len(names), -(-len(names) // _MOST_LABELS))
    row_labels = box_labels = [names[position] for position in positions]
    every = 1
    if _room(row_labels) > _ROOM:
        box_labels = [str(numbers[position]) for position in positions]
        row_labels = [f"{name}  {number}" for name, number in zip(row_labels, box_labels, strict=True)]
        boxes.set_xlabel(f"{what}, numbered as on the right", fontsize=12)
        every = -(-_room(box_labels) // _ROOM)
    boxes.set_xticks(positions[::every], box_labels[::every], fontsize=9, parse_math=False)
    rows.set_yticks([len(names) - 1 - position for position in positions], row_labels, fontsize=9, parse_math=False)


def _room(labels: Sequence[str]) -> int:
    return sum(map(len, labels)) + len(labels) - 1
