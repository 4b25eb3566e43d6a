"""`infomem run`: say whether one run memorizes, and which of its checkpoints to keep."""

from __future__ import annotations

import argparse

from lightning_infomem._errors import UsageValueError
from lightning_infomem.cli.printed_result import add_format_options, print_result
from lightning_infomem.cli.ranking_options import add_task_option

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "run", help="say whether one run memorizes, and which of its checkpoints to keep", description=__doc__
    )
    parser.add_argument("checkpoints", metavar="PATH", nargs="+", help="the folder of a run, or its checkpoints")
    add_task_option(parser)
    add_format_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the verdict; if it abstains, print the values and raise."""
    from lightning_infomem.selection.judge_run import judge_run  # late: `infomem --help` does not wait for torch

    verdict = judge_run(arguments.checkpoints, task=arguments.task)
    print_result(verdict, arguments)
    if verdict.abstention is not None:
        raise UsageValueError(f"no verdict: {verdict.abstention}")
    return 0
