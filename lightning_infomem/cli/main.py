"""The command `infomem`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from lightning_infomem.cli import demo, rank, report, run, show, watch
from lightning_infomem.model_information.commands import ablate, similarity

__all__ = ["main"]

_WRONG_USE = 2


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage in front."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after ``infomem``; those of this process by default.

    Returns:
        The exit code: 0; 2 for wrong use, input that cannot be read, or a ranking or verdict that is refused,
        each with one line on the error stream; 130 after Ctrl-C.
    """
    parser = _Parser(prog="infomem", description="See memorization, and choose the checkpoint that generalises.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('lightning-infomem')}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, parser_class=_Parser)
    for command in (rank, run, report, show, watch, similarity, ablate, demo):
        command.add_parser(commands)
    try:
        arguments = parser.parse_args(argv)
        code: int = arguments.run(arguments)
        sys.stdout.flush()  # a closed pipe shows here, not at the end of the interpreter
        return code
    except SystemExit as stop:  # --help and --version
        return int(stop.code or 0)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except (ModuleNotFoundError, OSError, TypeError, ValueError) as fault:
        print(f"infomem: {' '.join(str(fault).split())}", file=sys.stderr)
        return _WRONG_USE
