"""The one exporter: a result as a table, for a terminal, a document or another program."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import os
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lightning_infomem._errors import UsageImportError

if TYPE_CHECKING:
    import pandas
    from rich.console import Console, ConsoleOptions, RenderableType

__all__ = ["Column", "Note", "ShownColumn", "Table", "plain_value", "printable"]

_WIDE = 80  # columns of characters; a narrower terminal leaves out the columns that are shown "wide"
_TEXT_WIDTH = 100  # of plain text
# Characters that stay on one line in a narrow terminal: of a name, of a word of a heading, and of a heading ("90 %").
_SHORTEST_NAME, _LONGEST_WORD, _SHORTEST_LINE = 8, 12, 5


@dataclass(frozen=True)
class Column:
    """One column of a `Table`.

    Attributes:
        name: Key of the values in the rows, and name in records, JSON and CSV.
        head: Heading for people; by default ``name`` with spaces instead of underscores.
        form: Format of the numbers for people, such as ".4f"; by default four significant digits.
        shown: Whether people see the column: "always", "wide" (not in a terminal narrower than 80 characters) or
            "never".
        pair: Whether the values are pairs, such as intervals; other programs get ``name_low`` and ``name_high``.
        spread: Key of half the width of an interval, which people see after the value and "±".
        align: "left" or "right"; by default numbers are aligned to the right and everything else to the left.
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
        """The heading for people, in one line."""
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
        style: Style in which rich prints it, such as "bold" or "yellow".
    """

    text: str
    style: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of plain values, ready for a terminal (`print`), CSV, JSON, Markdown or pandas.

    Values may come from files that others wrote, so none is interpreted as markup of a terminal or of Markdown.

    Attributes:
        columns: Columns, in order.
        rows: One mapping per row: name of a column -> number, string, path, pair, or None if unknown. Values without a
            column are ignored.
        title: Line above the table.
        lead: Sentences above all, which matter most.
        notes: Sentences below the table.
        facts: Name -> value that JSON holds next to the rows, such as settings.
        parts: Further tables for people, between the rows and the notes.
        folder: Folder relative to which people see paths.
        styles: Index of a row -> style in which rich prints it, such as "bold".

    >>> columns = Column("path"), Column("information", "MI", ".2f"), Column("interval", "90 %", ".1f", pair=True)
    >>> row = {"path": Path("runs/a.ckpt"), "information": 0.125, "interval": (0.1, 0.2)}
    >>> print(Table(columns, [row], folder=Path("runs")).to_csv(), end="")
    path,information,interval_low,interval_high
    runs/a.ckpt,0.125,0.1,0.2
    """

    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    title: str = ""
    lead: Sequence[str | Note] = ()
    notes: Sequence[str | Note] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[Table] = ()
    folder: Path | None = None
    styles: Mapping[int, str] = field(default_factory=dict)

    def shown_columns(self, *, wide: bool = True) -> list[ShownColumn]:
        """The columns as people see them, those that are shown "wide" only where there is room for them."""
        shown = ("always", "wide") if wide else ("always",)
        return [
            ShownColumn(printable(column.heading), self._align(column), [self._cell(column, row) for row in self.rows])
            for column in self.columns
            if column.shown in shown
        ]

    @property
    def width(self) -> int:
        """Characters of a line, as people see it in a terminal that is wide enough."""
        return sum(max(map(len, (column.heading, *column.cells))) + 2 for column in self.shown_columns())

    def to_records(self) -> list[dict[str, Any]]:
        """Return one flat dictionary per row, all with the same keys; unknown values are None."""
        return [dict(self._flat(row)) for row in self.rows]

    def to_json(self) -> str:
        """Return title, rows, facts and notes as JSON; numbers that are not finite become null."""
        about = {"title": self.title} if self.title else {}
        sentences = [_note(note).text for note in (*self.lead, *self.notes)]
        notes = {"notes": sentences} if sentences else {}
        state = {**about, "rows": self.to_records(), **self.facts, **notes}
        return json.dumps(plain_value(state), indent=2, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """Return `to_records` as CSV with a line of names; unknown values and numbers that are not finite are empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(printable(name) for name in self._names())
        for record in self.to_records():
            values = map(plain_value, record.values())
            writer.writerow(printable(value) if isinstance(value, str) else value for value in values)
        return text.getvalue()

    def to_markdown(self) -> str:
        """Return the table as GitHub's Markdown, with the notes as a list below."""
        shown = [column for column in self.columns if column.shown != "never"]
        lines = [[_escaped(column.heading) for column in shown]]
        lines.append(["---:" if self._align(column) == "right" else "---" for column in shown])
        lines += [[self._markdown_cell(column, row) for column in shown] for row in self.rows]
        blocks = ["\n".join(f"- {_escaped(_note(note).text)}" for note in self.lead)] if self.lead else []
        blocks += [_escaped(self.title)] if self.title else []
        blocks.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
        blocks += [part.to_markdown().rstrip("\n") for part in self.parts]
        if self.notes:
            blocks.append("\n".join(f"- {_escaped(_note(note).text)}" for note in self.notes))
        return "\n\n".join(blocks) + "\n"

    def to_dataframe(self) -> pandas.DataFrame:
        """Return `to_records` as a data frame; whole numbers have the type "Int64", which can be missing.

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
        """Return the table as plain text, in lines of at most ``width`` characters if the columns allow it."""
        from rich.console import Console

        text = io.StringIO()
        Console(file=text, width=width, color_system=None, legacy_windows=False).print(self)
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    __str__ = to_text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        for note in map(_note, self.lead):
            yield Text(printable(note.text), style=note.style)
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
        # A path formatted as code is easy to read and to copy.
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


def plain_value(value: Any) -> Any:
    """Turn a value into dictionaries, lists, strings and numbers for ``json.dumps(..., allow_nan=False)``.

    Args:
        value: A number, string, path, mapping, sequence, set, tensor, array or dataclass, or any nesting of these.

    Returns:
        The value in plain types. A number that is not finite becomes None, and a path a string. Fields of a dataclass
        with the metadata ``exported=False`` are left out.

    >>> plain_value({"path": PurePath("a.ckpt"), "interval": (0.5, math.nan)})
    {'path': 'a.ckpt', 'interval': [0.5, None]}
    """
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.metadata.get("exported", True)]
        return {name: plain_value(getattr(value, name)) for name in fields}
    if isinstance(value, Mapping):
        return {str(name): plain_value(part) for name, part in value.items()}
    if hasattr(value, "tolist"):  # a tensor or an array
        return plain_value(value.tolist())
    if isinstance(value, Set):
        return [plain_value(part) for part in sorted(value)]
    if isinstance(value, Sequence):
        return [plain_value(part) for part in value]
    return value  # which json refuses, and names


def printable(text: str) -> str:
    r"""Escape characters that would steer a terminal, break a line or reverse the direction of the text.

    Names of files, layers and metrics come from other people's checkpoints. An escape sequence in one of them could
    hide or forge what is printed around it.

    >>> printable("a.ckpt\x1b[2J")
    'a.ckpt\\x1b[2J'
    """
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


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
    """Wrap a heading into lines as short as its longest word, but no shorter than the numbers below it."""
    words = [min(len(word), _LONGEST_WORD) for word in heading.split()]
    return "\n".join(textwrap.wrap(heading, max(width, *words, _SHORTEST_LINE)))


def _escaped(text: str) -> str:
    """Escape a text so that Markdown shows it as it is."""
    text = re.sub(r"([\\`*\[\]<>|~&$])", r"\\\1", printable(text))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)
