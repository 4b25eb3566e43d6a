"""One view of a run, as wide and as high as the terminal."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from lightning_infomem.cli.sparkline import sparkline
from lightning_infomem.records.metric_names import Metric
from lightning_infomem.runs.courses import Course

__all__ = ["LayerRow", "LiveView"]

_DEAD, _TIES = 0.5, 0.2  # shares from which on a layer's numbers mean little
# Column -> its head, in the order of the table; means over units and pairs.
_HEADS = {
    "layer": "layer",
    "MI": "MI",
    "MI curve": "in nats",
    "drop": "drop",
    "entropy": "entropy",
    "entropy curve": "in nats",
    "flags": "flags",
}
_MIN_NAME, _MIN_CURVE, _MAX_CURVE = 10, 8, 40


@dataclass(frozen=True)
class LayerRow:
    """What is shown of a layer.

    Attributes:
        name: as it is shown.
        courses: measure -> its course.
    """

    name: str
    courses: Mapping[str, Course]

    def last(self, measure: str) -> float:
        """NaN where it was not logged."""
        return self.courses.get(measure, Course()).last

    def curve(self, measure: str) -> Sequence[float]:
        """Along the run."""
        return self.courses.get(measure, Course()).values

    @property
    def flags(self) -> str:
        """What makes its numbers doubtful."""
        found = {"dead": self.last(Metric.DEAD_FRACTION) > _DEAD, "ties": self.last(Metric.TIE_FRACTION) > _TIES}
        return " ".join(name for name, is_so in found.items() if is_so)


@dataclass(frozen=True)
class LiveView:
    """A header, one row a layer, and what else is to be said.

    Columns that do not fit are left out, the least important first; layers that do not fit are counted.

    Attributes:
        title: the run.
        header: lines above the table.
        rows: layers in the order of the network.
        notes: lines below it.
        last_time: seconds since 1970, of the last value; NaN where there is none.
        fits_height: show no more layers than the terminal has lines for; else all.
    """

    title: str
    header: Sequence[str] = ()
    rows: Sequence[LayerRow] = ()
    notes: Sequence[str] = ()
    last_time: float = math.nan
    fits_height: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        above = [Text(self.title, style="bold"), *(Text(line) for line in self._header())]
        below = [Text(note, style="yellow") for note in self.notes]
        for text in (*above, *below):
            text.plain = text.plain.encode(options.encoding, "backslashreplace").decode(options.encoding)
        rows = self.rows
        if self.fits_height:
            taken = sum(len(text.wrap(console, options.max_width)) for text in (*above, *below))
            # Besides these the head of the table, the count of what is left out, and the line of the cursor.
            rows = rows[: max(1, options.size.height - taken - 3)]
        yield from above
        if rows:
            yield self._table(rows, options)
        if len(rows) < len(self.rows):
            yield Text(f"and {len(self.rows) - len(rows)} more layers; choose by --layers PATTERN", style="dim")
        yield from below

    def _header(self) -> Iterator[str]:
        first, *others = self.header or ("",)
        # Told at the moment of drawing, so that it goes on between two readings.
        ago = "" if math.isnan(self.last_time) else f"last value {_duration(time.time() - self.last_time)} ago"
        yield from filter(None, [", ".join(filter(None, [first, ago])), *others])

    def _table(self, rows: Sequence[LayerRow], options: ConsoleOptions) -> Table:
        widths = self._widths(options.max_width)
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
        for column in widths:
            numbers = column in ("MI", "entropy", "drop")
            table.add_column(
                _HEADS[column],
                justify="right" if numbers else "left",
                no_wrap=True,
                overflow="crop",
                width=widths[column],
            )
        for row in rows:
            cells = {
                "layer": _shorten(row.name, widths["layer"], ascii_only=options.ascii_only),
                "MI": _number(row.last(Metric.MI_MEAN)),
                "entropy": _number(row.last(Metric.ENTROPY_MEAN)),
                "drop": _share(row.last(Metric.MI_DROP)),
                "flags": row.flags,
            }
            for column, measure in (("MI curve", Metric.MI_MEAN), ("entropy curve", Metric.ENTROPY_MEAN)):
                if column in widths:
                    cells[column] = sparkline(row.curve(measure), widths[column], ascii_only=options.ascii_only)
            table.add_row(*(Text(cells[column], style="red" if column == "flags" else "") for column in widths))
        return table

    def _widths(self, width: int) -> dict[str, int]:
        """Column -> its width, in the order in which they are shown."""
        longest = max(len(row.name) for row in self.rows)
        moments = max((len(row.curve(Metric.MI_MEAN)) for row in self.rows), default=0)
        flags = max((len(row.flags) for row in self.rows), default=0)
        least = {
            "layer": max(len("layer"), min(self._telling_width(longest), max(_MIN_NAME, width - 7))),
            "MI": 6,
            "MI curve": _MIN_CURVE,
            "entropy": 7,
        }
        # In the order of importance, which is not that of the table.
        least |= ({"flags": max(flags, 5)} if flags else {}) | {"drop": 4, "entropy curve": _MIN_CURVE}
        kept: dict[str, int] = {}
        for column, size in least.items():
            if kept and sum(kept.values()) + len(kept) + size > width:
                break
            kept[column] = size
        spare = width - sum(kept.values()) - (len(kept) - 1)
        grown = min(spare, max(longest, len("layer")) - kept["layer"])
        kept["layer"] += max(grown, 0)
        spare -= max(grown, 0)
        curves = [column for column in kept if column.endswith("curve")]
        for column in curves:
            kept[column] += max(0, min(spare // len(curves), min(moments, _MAX_CURVE) - _MIN_CURVE))
        return {column: kept[column] for column in _HEADS if column in kept}

    def _telling_width(self, longest: int) -> int:
        """From which on shortened names are still different."""
        names = {row.name for row in self.rows}
        widths = range(min(longest, _MIN_NAME), longest)
        return next(
            (width for width in widths if len({_shorten(name, width) for name in names}) == len(names)), longest
        )


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"


def _share(value: float) -> str:
    return f"{value:.0%}" if math.isfinite(value) else "-"


def _shorten(name: str, width: int, *, ascii_only: bool = False) -> str:
    """Both ends of a name: layers of one network differ at either."""
    if len(name) <= width:
        return name
    left_out = "~" if ascii_only else "…"
    begin = (width - 1) // 3
    return name[:begin] + left_out + name[len(name) - (width - 1 - begin) :]


def _duration(seconds: float) -> str:
    seconds = max(seconds, 0.0)  # the clock of another machine may be ahead
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
