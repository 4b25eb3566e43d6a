"""Print or write a result in the requested format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from lightning_infomem.reporting.text_file import write_text

if TYPE_CHECKING:
    from lightning_infomem.records.table import Table
    from lightning_infomem.records.tabular import Tabular

__all__ = ["add_format_options", "print_result"]


def add_format_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the format and the output file."""
    parser.add_argument(
        "--format",
        choices=("table", "json", "csv", "markdown"),
        default="table",
        help="format of the output (%(default)s)",
    )
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    parser.add_argument("--output", metavar="FILE", type=Path, help="file to write instead of printing")


def print_result(result: Tabular, arguments: argparse.Namespace, table: Table | None = None) -> None:
    """Print or write a result according to the options of `add_format_options`, people by a table of their own."""
    table = result.to_table() if table is None else table
    forms = {"table": table.to_text, "json": result.to_json, "csv": result.to_csv, "markdown": table.to_markdown}
    if arguments.output is None and arguments.format == "table":
        Console().print(table)  # as wide as the terminal, and in colour if it has any
        return
    text = forms[arguments.format]().rstrip("\n") + "\n"
    if arguments.output is None:
        print(text, end="")
    else:
        write_text(arguments.output, text)
        print(f"wrote {arguments.output}")
