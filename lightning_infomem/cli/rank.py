"""`infomem rank`: order checkpoints by the reports that they carry."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from lightning_infomem.cli.ranking_options import add_ranking_options, rank_as_told
from lightning_infomem.reporting.text_file import write_text

if TYPE_CHECKING:
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("rank", help="order checkpoints by the reports that they carry", description=__doc__)
    add_ranking_options(parser)
    parser.add_argument(
        "--format", choices=("table", "json", "csv", "markdown"), default="table", help="of the output (%(default)s)"
    )
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write it to a file instead of printing it")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the ranking, or which checkpoint of one run to keep; where neither can be told the values, and raise."""
    ranking = rank_as_told(arguments)
    if arguments.output is not None:
        write_text(arguments.output, _text(ranking, arguments.format))
        print(f"wrote {arguments.output}")
    elif arguments.format == "table":
        Console().print(ranking)  # as wide as the terminal, and in colour where there is one
    else:
        print(_text(ranking, arguments.format), end="")
    if ranking.refusal is not None and ranking.kept is None:
        raise ValueError(f"no ranking: {ranking.refusal}")
    return 0


def _text(ranking: Ranking, form: str) -> str:
    text = {"table": ranking.__str__, "json": ranking.to_json, "csv": ranking.to_csv, "markdown": ranking.to_markdown}
    return text[form]().rstrip("\n") + "\n"
