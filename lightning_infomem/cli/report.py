"""`infomem report`: tell a ranking of checkpoints on one HTML page."""

from __future__ import annotations

import argparse
from pathlib import Path

from lightning_infomem.cli.ranking_options import add_ranking_options, rank_as_told
from lightning_infomem.cli.text_file import write_text

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("report", help="tell a ranking on one HTML page", description=__doc__)
    add_ranking_options(parser)
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("infomem-report.html"),
        help="where to write; a file of that name is replaced (%(default)s)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page; where nothing can be chosen it shows the values, and this raises."""
    ranking = rank_as_told(arguments)
    from lightning_infomem.selection.html_report import html_report  # late, as all that imports torch

    write_text(arguments.output, html_report(ranking))
    print(f"wrote {arguments.output}")
    if ranking.refusal is not None and ranking.kept is None:
        raise ValueError(f"no ranking: {ranking.refusal}")
    return 0
