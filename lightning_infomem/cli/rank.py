"""`infomem rank`: order checkpoints by the reports that they carry."""

from __future__ import annotations

import argparse

from lightning_infomem._errors import UsageValueError
from lightning_infomem.cli.printed_result import add_format_options, print_result
from lightning_infomem.cli.ranking_options import add_ranking_options, rank_as_asked

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("rank", help="order checkpoints by the reports that they carry", description=__doc__)
    add_ranking_options(parser)
    parser.add_argument("--all", action="store_true", help="show all criteria, settings and metrics too")
    add_format_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the ranking; if it is refused, print the values and raise."""
    ranking = rank_as_asked(arguments)
    print_result(ranking, arguments, ranking.to_table(everything=arguments.all))
    if ranking.refusal is not None:
        raise UsageValueError(f"no ranking: {ranking.refusal}")
    return 0
