"""The one exporter: a result as a table, for a terminal, a document or another program."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lightning_infomem._errors import UsageImportError, UsageValueError
from lightning_infomem.records.plain_value import plain_value
from lightning_infomem.records.printable import printable

if TYPE_CHECKING:
    import pandas
    from rich.console import Console, ConsoleOptions, RenderableType

__all__ = ["Column", "Note", "ShownColumn", "Table"]

_WIDE = 80  # columns of characters; a narrower terminal leaves out the columns that are shown "wide"
_TEXT_WIDTH = 100  # of plain text
# Characters that stay on one line in a narrow terminal: of a name, of a word of a heading, and of a heading ("90 %").
_SHORTEST_NAME, _LONGEST_WORD, _SHORTEST_LINE = 8, 12, 5


@dataclass(frozen=True)
class Column:
    """One column of a `Table`.

    Attributes:
        name: The key of its values in the rows, and its name in records, JSON and CSV.
        head: The heading for people; by default ``name`` with spaces in place of underscores.
        form: The format of its numbers for people, such as ".4f"; by default four significant digits.
        shown: Whether people see it: "always", "wide" (not in a terminal of fewer than 80 characters) or "never".
        pair: Whether its values are pairs, such as intervals; other programs get ``name_low`` and ``name_high``.
        spread: The key of half the width of an interval, which people see behind the value, after "±".
        align: "left" or "right"; by default numbers stand right and everything else left.
    """

    name: str
    head: str | None = None
    form: str | None = None
    shown: Literal["always", "wide", "never"] = "always"
    pair: bool = False
    spread: str | None = None
    align: Literal["left", "right"] | None = None

    @property
    def heading(self) -> str:
        """What stands above it for people, in one line."""
        return " ".join((self.name.replace("_", " ") if self.head is None else self.head).split())


class ShownColumn(NamedTuple):
    """One column as people see it.

    Attributes:
        heading: What stands above it.
        align: "left" for words, "right" for numbers.
        cells: One per row; "-" where a value is not known or not finite.
    """

    heading: str
    align: Literal["left", "right"]
    cells: list[str]


class Note(NamedTuple):
    """A sentence below a table.

    Attributes:
        text: The sentence.
        style: How rich prints it, such as "bold" or "yellow".
    """

    text: str
    style: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of plain values, ready for a terminal (`print`), CSV, JSON, Markdown or pandas.

    The values may come from files that others wrote: none is taken for markup of a terminal or of Markdown.

    Attributes:
        columns: What the rows hold, in order.
        rows: One mapping per row: name of a column -> number, string, path, pair, or None where it is not known.
        title: A line above.
        notes: Sentences below.
        facts: What JSON holds beside the rows, such as settings: name -> value.
        parts: Further tables for people, between the rows and the notes.
        folder: The folder relative to which people see paths.
        styles: Number of a row -> how rich prints it, such as "bold".

    Raises:
        ValueError: Two columns have one name, or a row has a value without a column.

    >>> columns = Column("path"), Column("information", "MI", ".2f"), Column("interval", "90 %", ".1f", pair=True)
    >>> row = {"path": Path("runs/a.ckpt"), "information": 0.125, "interval": (0.1, 0.2)}
    >>> print(Table(columns, [row], folder=Path("runs")).to_csv(), end="")
    path,information,interval_low,interval_high
    runs/a.ckpt,0.125,0.1,0.2
    """

    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    title: str = ""
    notes: Sequence[str | Note] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[Table] = ()
    folder: Path | None = None
    styles: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise UsageValueError(f"columns: each name once is required, got {', '.join(names)}; rename one of them.")
        for row in self.rows:
            if extra := [name for name in row if name not in names]:
                raise UsageValueError(
                    f"rows: values of the columns {', '.join(names)} are required, got {', '.join(map(repr, extra))}; "
                    "add the column, shown='never' if only other programs need it."
                )

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]], **fields: Any) -> Table:
        """Make a table of records with a column for every key, and the other ``fields`` of a table."""
        return cls([Column(name) for name in dict.fromkeys(name for row in records for name in row)], records, **fields)

    def shown_columns(self, *, wide: bool = True) -> list[ShownColumn]:
        """The columns as people see them, those that are shown "wide" only where there is room for them."""
        shown = ("always", "wide") if wide else ("always",)
        return [
            ShownColumn(printable(column.heading), self._align(column), [self._cell(column, row) for row in self.rows])
            for column in self.columns
            if column.shown in shown
        ]

    def to_records(self) -> list[dict[str, Any]]:
        """One flat dictionary per row, all with the same keys; None where a value is not known."""
        return [dict(self._flat(row)) for row in self.rows]

    def to_json(self) -> str:
        """The rows with title, facts and notes as JSON; numbers that are not finite become null."""
        about = {"title": self.title} if self.title else {}
        notes = {"notes": [_note(note).text for note in self.notes]} if self.notes else {}
        state = {**about, "rows": self.to_records(), **self.facts, **notes}
        return json.dumps(plain_value(state), indent=2, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """`to_records` as CSV, below a line of names; unknown values and numbers that are not finite stay empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(printable(name) for name in self._names())
        for record in self.to_records():
            values = map(plain_value, record.values())
            writer.writerow(printable(value) if isinstance(value, str) else value for value in values)
        return text.getvalue()

    def to_markdown(self) -> str:
        """The table as GitHub's Markdown, with the notes as a list below."""
        shown = [column for column in self.columns if column.shown != "never"]
        lines = [[_escaped(column.heading) for column in shown]]
        lines.append(["---:" if self._align(column) == "right" else "---" for column in shown])
        lines += [[self._markdown_cell(column, row) for column in shown] for row in self.rows]
        blocks = [_escaped(self.title)] if self.title else []
        blocks.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
        blocks += [part.to_markdown().rstrip("\n") for part in self.parts]
        if self.notes:
            blocks.append("\n".join(f"- {_escaped(_note(note).text)}" for note in self.notes))
        return "\n\n".join(blocks) + "\n"

    def to_dataframe(self) -> pandas.DataFrame:
        """`to_records` as a data frame; whole numbers are of the type "Int64", which can be missing.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError as fault:
            raise UsageImportError(
                "to_dataframe: pandas is required and not installed; pip install 'lightning-infomem[pandas]'."
            ) from fault
        records, names = self.to_records(), self._names()
        known = {name: [record[name] for record in records if record[name] is not None] for name in names}
        whole = [name for name, values in known.items() if values and all(_is_whole(value) for value in values)]
        return pandas.DataFrame(records, columns=names).astype(dict.fromkeys(whole, "Int64"))

    def to_text(self, width: int = _TEXT_WIDTH) -> str:
        """The table as plain text, in lines of at most ``width`` characters where the columns allow it."""
        from rich.console import Console

        console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
        with console.capture() as capture:
            console.print(self)
        return "\n".join(line.rstrip() for line in capture.get().splitlines())

    __str__ = to_text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        if self.title:
            yield Text(printable(self.title), style="dim")
        yield self._rich_table(options.max_width)
        yield from self.parts
        for note in map(_note, self.notes):
            yield Text(printable(note.text), style=note.style)

    def _rich_table(self, width: int) -> RenderableType:
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        shown = self.shown_columns(wide=width >= _WIDE)
        longest = [max(map(len, column.cells), default=1) for column in shown]
        roomy = sum(max(len(column.heading), cell) + 2 for column, cell in zip(shown, longest, strict=True)) <= width
        table = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1 if roomy else 0, 0, 0), show_edge=False)
        for column, cell in zip(shown, longest, strict=True):
            # Numbers stay whole, and names give way: they are folded where the terminal is narrow.
            whole = column.align == "right"
            table.add_column(
                Text(_wrapped(column.heading, cell) if whole and not roomy else column.heading),
                justify=column.align,
                overflow="fold",
                no_wrap=whole,
                min_width=None if whole else min(cell, _SHORTEST_NAME),
            )
        for number, line in enumerate(zip(*(column.cells for column in shown), strict=True)):
            table.add_row(*map(Text, line), style=self.styles.get(number))
        return table

    def _names(self) -> list[str]:
        return [name for name, _ in self._flat({})]

    def _flat(self, row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for column in self.columns:
            value = row.get(column.name)
            if column.pair:
                low, high = value or (None, None)
                yield from ((f"{column.name}_low", low), (f"{column.name}_high", high))
            else:
                yield column.name, str(value) if isinstance(value, PurePath) else value

    def _align(self, column: Column) -> Literal["left", "right"]:
        if column.align is not None:
            return column.align
        known = [row[column.name] for row in self.rows if row.get(column.name) is not None]
        return "right" if column.pair or (known and all(isinstance(value, Real) for value in known)) else "left"

    def _markdown_cell(self, column: Column, row: Mapping[str, Any]) -> str:
        text = self._cell(column, row)
        # As code a path is easy to read and to copy; no other name can be told from what Markdown makes of it.
        is_path = isinstance(row.get(column.name), PurePath)
        return f"`{text}`" if is_path and not set("`|\\") & set(text) else _escaped(text)

    def _cell(self, column: Column, row: Mapping[str, Any]) -> str:
        value = row.get(column.name)
        if column.pair and value is not None:
            low, high = (_number(part, column.form) for part in value)
            if "-" in (low, high):
                return "-"
            return f"{low} to {high}" if "-" in low + high else f"{low}-{high}"
        if isinstance(value, PurePath) and self.folder is not None:
            value = os.path.relpath(value, self.folder)
        if value is None or isinstance(value, Real):
            text = _number(value, column.form)
            spread = None if column.spread is None else _number(row.get(column.spread), column.form)
            return text if spread in (None, "-") else f"{text} ± {spread}"
        return printable(str(value))


def _number(value: Any, form: str | None) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if form is not None:
        return format(value, form)
    if isinstance(value, Integral):
        return str(value)
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _note(note: str | Note) -> Note:
    return Note(note) if isinstance(note, str) else note


def _wrapped(heading: str, width: int) -> str:
    """The heading in lines as short as its longest word, and no shorter than the numbers below it."""
    words = [min(len(word), _LONGEST_WORD) for word in heading.split()]
    return "\n".join(textwrap.wrap(heading, max(width, *words, _SHORTEST_LINE)))


def _escaped(text: str) -> str:
    """The text so that Markdown shows it as it is."""
    text = re.sub(r"([\\`*\[\]<>|~&$])", r"\\\1", printable(text))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)
