"""View of a run that fits the terminal."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from lightning_infomem.cli.sparkline import sparkline
from lightning_infomem.records.metric_names import Metric
from lightning_infomem.records.table import printable
from lightning_infomem.runs.course import Course

__all__ = ["LayerRow", "LiveView"]

_DEAD, _TIES = 0.5, 0.2  # above these shares, the numbers of a layer mean little
# Column -> heading, in the order of the table.
_HEADS = {
    "layer": "layer",
    "MI": "MI",
    "MI curve": "in nats",
    "drop": "drop",
    "entropy": "entropy",
    "entropy curve": "in nats",
    "flags": "flags",
}
_CURVES = {"MI curve": Metric.MI_MEAN, "entropy curve": Metric.ENTROPY_MEAN}
_NUMBERS = {"MI": (Metric.MI_MEAN, ".3f"), "drop": (Metric.MI_DROP, ".0%"), "entropy": (Metric.ENTROPY_MEAN, ".3f")}
_MIN_NAME, _MIN_CURVE, _MAX_CURVE = 10, 8, 40


@dataclass(frozen=True)
class LayerRow:
    """One layer in the view.

    Attributes:
        name: Name of the layer as shown.
        course: Course of the run.
        layer: Name of the layer in the course.
    """

    name: str
    course: Course
    layer: str

    @property
    def shown_name(self) -> str:
        """The name without characters that would steer the terminal."""
        return printable(self.name)

    @property
    def flags(self) -> str:
        """Reasons to doubt the numbers of the layer."""
        is_dead = self.course.last(Metric.DEAD_FRACTION, self.layer) > _DEAD
        has_ties = self.course.last(Metric.TIE_FRACTION, self.layer) > _TIES
        return " ".join(["dead"] * is_dead + ["ties"] * has_ties)

    def cell(self, column: str, width: int, *, ascii_only: bool) -> str:
        """Return the text of a column."""
        if column == "layer":
            return _shorten(self.shown_name, width, ascii_only=ascii_only)
        if column == "flags":
            return self.flags
        if column in _CURVES:
            return sparkline(self.course.values(_CURVES[column], self.layer), width, ascii_only=ascii_only)
        measure, form = _NUMBERS[column]
        value = self.course.last(measure, self.layer)
        return f"{value:{form}}" if math.isfinite(value) else "-"


@dataclass(frozen=True)
class LiveView:
    """A header, a table with one row per layer, and notes.

    Columns that do not fit are left out, the least important first. Layers that do not fit are only counted.

    Attributes:
        title: Name of the run.
        header: Lines above the table.
        rows: Layers in the order of the network.
        notes: Lines below the table.
        last_time: Seconds since 1970 at the last value; NaN before the first.
        fits_height: Whether to show only as many layers as fit the height of the terminal.
    """

    title: str
    header: Sequence[str] = ()
    rows: Sequence[LayerRow] = ()
    notes: Sequence[str] = ()
    last_time: float = math.nan
    fits_height: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the view."""
        header = list(self.header)
        if not math.isnan(self.last_time):  # relative to the time of drawing, so that it advances between readings
            header[0] += f", last value {_duration(time.time() - self.last_time)} ago"
        above = [Text(printable(self.title), style="bold"), *(Text(printable(line)) for line in header)]
        below = [Text(printable(note), style="yellow") for note in self.notes]
        for text in (*above, *below):
            text.plain = text.plain.encode(options.encoding, "backslashreplace").decode(options.encoding)
        rows = self.rows
        if self.fits_height:
            taken = sum(len(text.wrap(console, options.max_width)) for text in (*above, *below))
            # Three more lines: the heading of the table, the count of omitted layers, and the cursor.
            rows = rows[: max(1, options.size.height - taken - 3)]
        yield from above
        if rows:
            yield self._table(rows, options)
        if len(rows) < len(self.rows):
            yield Text(f"and {len(self.rows) - len(rows)} more layers; choose by --layers PATTERN", style="dim")
        yield from below

    def _table(self, rows: Sequence[LayerRow], options: ConsoleOptions) -> Table:
        widths = self._widths(options.max_width)
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
        for column, width in widths.items():
            style = "red" if column == "flags" else ""
            side: Literal["left", "right"] = "right" if column in _NUMBERS else "left"
            table.add_column(_HEADS[column], justify=side, style=style, no_wrap=True, overflow="crop", width=width)
        for row in rows:
            cells = (row.cell(column, width, ascii_only=options.ascii_only) for column, width in widths.items())
            table.add_row(*map(Text, cells))
        return table

    def _widths(self, width: int) -> dict[str, int]:
        """Return column -> width, in the order of the table."""
        longest = max(len("layer"), *(len(row.shown_name) for row in self.rows))
        flags = max(len(row.flags) for row in self.rows)
        # The most important column first.
        least = {
            "layer": min(self._unique_width(longest), max(_MIN_NAME, width - 7)),
            "MI": 6,
            "MI curve": _MIN_CURVE,
            "entropy": 7,
            **({"flags": max(flags, len("flags"))} if flags else {}),
            "drop": 4,
            "entropy curve": _MIN_CURVE,
        }
        kept: dict[str, int] = {}
        spare = width + 1  # each column but the first has a space before it
        for column, size in least.items():
            if kept and size + 1 > spare:
                break
            kept[column] = size
            spare -= size + 1
        grown = max(0, min(spare, longest - kept["layer"]))
        kept["layer"] += grown
        curves = [column for column in kept if column in _CURVES]
        moments = max(len(row.course.history) for row in self.rows)
        for column in curves:
            kept[column] += max(0, min((spare - grown) // len(curves), min(moments, _MAX_CURVE) - _MIN_CURVE))
        return {column: kept[column] for column in _HEADS if column in kept}

    def _unique_width(self, longest: int) -> int:
        """Return the least width at which shortened names still differ."""
        names = {row.shown_name for row in self.rows}
        widths = range(min(longest, _MIN_NAME), longest)
        differ = (width for width in widths if len({_shorten(name, width) for name in names}) == len(names))
        return next(differ, longest)


def _shorten(name: str, width: int, *, ascii_only: bool = False) -> str:
    """Leave out the middle of a name, because layers of one network differ at either end."""
    if len(name) <= width:
        return name
    begin = (width - 1) // 3
    return name[:begin] + ("~" if ascii_only else "…") + name[len(name) - (width - 1 - begin) :]


def _duration(seconds: float) -> str:
    seconds = max(seconds, 0.0)  # the clock of the training machine may be ahead
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
