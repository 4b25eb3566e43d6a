"""Base class of results: printing and saving."""

from __future__ import annotations

import io
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table

from lightning_infomem.records.csv_text import to_csv
from lightning_infomem.reporting.text_file import write_text

__all__ = ["Result"]

_WIDTH = 120  # of a table printed without a terminal


class Result(ABC):
    """Rows of plain values with the settings they were measured with; `plots` has a figure for each kind of result."""

    settings: Mapping[str, Any]

    @abstractmethod
    def to_records(self) -> list[dict[str, Any]]:
        """Return one flat dictionary per row, all with the same keys."""

    def to_csv(self) -> str:
        """Return `to_records` as CSV with a header line."""
        return to_csv(self.to_records())

    def to_json(self) -> str:
        """Return `to_records` and the settings as JSON; non-finite numbers become null."""
        rows = [{name: _plain(value) for name, value in row.items()} for row in self.to_records()]
        return json.dumps({"rows": rows, "settings": dict(self.settings)}, indent=2, allow_nan=False) + "\n"

    def to_markdown(self) -> str:
        """Return `to_records` as a table in GitHub's Markdown."""
        rows = self.to_records()
        lines = [list(rows[0]), ["---"] * len(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
        return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"

    def save(self, path: str | Path) -> Path:
        """Write the result in the format of the suffix: ``.json`` (with the settings), ``.csv`` or ``.md``.

        Raises:
            ValueError: The suffix is another one.
            OSError: The folder is missing or not writable.
        """
        path = Path(path)
        forms = {".json": self.to_json, ".csv": self.to_csv, ".md": self.to_markdown}
        if path.suffix not in forms:
            raise ValueError(f"path: a name that ends in {', '.join(forms)} is required, got '{path}'; rename it.")
        write_text(path, forms[path.suffix]())
        return path

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        rows = self.to_records()
        table = Table(box=SIMPLE_HEAD)
        for name, value in rows[0].items():
            table.add_column(name.replace("_", " "), justify="left" if isinstance(value, str) else "right")
        for row in rows:
            table.add_row(*map(_cell, row.values()))
        yield table

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=_WIDTH, color_system=None, legacy_windows=False)
        with console.capture() as capture:
            console.print(self)
        return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
