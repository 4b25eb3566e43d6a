"""What pages are made of: tables, figures, lists, and numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["UNKNOWN", "figure", "interval", "items", "number", "section", "sentence", "table", "whole"]

UNKNOWN = "–"  # noqa: RUF001, the dash is meant


def table(
    head: Sequence[str], lines: Sequence[Sequence[str]], classes: Sequence[str] | None = None, *, text: set[str]
) -> str:
    """Make a table whose lines a reader can sort by any column.

    Args:
        head: names of the columns.
        lines: of cells, each escaped here.
        classes: of the lines, empty where a line has none.
        text: names of the columns that are words; the first of them names the line, the others are numbers.
    """
    kinds = ["words" if name in text else "number" for name in head]
    kinds[kinds.index("words")] = "name"
    titles = "".join(
        f'<th class="{kind}" scope="col">{escape(name)}</th>' for name, kind in zip(head, kinds, strict=True)
    )
    rows = []
    for line, name in zip(lines, classes or [""] * len(lines), strict=True):
        cells = "".join(f'<td class="{kind}">{escape(cell)}</td>' for cell, kind in zip(line, kinds, strict=True))
        rows.append(f'<tr class="{name}">{cells}</tr>' if name else f"<tr>{cells}</tr>")
    return f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def figure(drawn: Figure, description: str) -> str:
    """Put a figure into the page.

    Args:
        drawn: from one of the functions of `plots`.
        description: for those who do not see it, and above it for those who do.
    """
    # Imported late: who only ranks does not wait for matplotlib.
    from lightning_infomem.plots import embed_figure

    return f"<figure><figcaption>{escape(description)}</figcaption>{embed_figure(drawn, description)}</figure>"


def section(title: str, parts: Iterable[str], level: int = 2) -> list[str]:
    """Put a heading above some parts; nothing where there are none."""
    known = [part for part in parts if part]
    return [f"<h{level}>{escape(title)}</h{level}>", *known] if known else []


def items(lines: Iterable[str]) -> str:
    """Make a list of lines that are escaped already."""
    return "<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"


def whole(value: int | None) -> str:
    """Write a whole number, or a dash."""
    return UNKNOWN if value is None else str(value)


def number(value: float | None, form: str = ".4f") -> str:
    """Write a finite number, or a dash."""
    return UNKNOWN if value is None or not math.isfinite(value) else format(value, form)


def interval(values: tuple[float, float] | None, form: str) -> str:
    """Write both ends, one where they look alike, or a dash."""
    if values is None or not all(map(math.isfinite, values)):
        return UNKNOWN
    low, high = (format(value, form) for value in values)
    if low == high:
        return low
    return f"{low}–{high}" if form == "d" else f"{low} to {high}"  # noqa: RUF001, the dash is meant


def sentence(words: str) -> str:
    """Write words with a capital letter and a full stop."""
    words = words.strip().rstrip(".;")
    return f"{words[:1].upper()}{words[1:]}." if words else ""
