"""The `infomem` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import NoReturn

from lightning_infomem._errors import UsageError, UsageValueError
from lightning_infomem.cli import ablate, ask, demo, rank, report, run, show, similarity, watch
from lightning_infomem.records.table import printable

__all__ = ["main"]

_WRONG_USE = 2
_READING_CHECKPOINTS = ("rank", "ask", "run", "report", "show", "watch")


class _Parser(argparse.ArgumentParser):
    """A parser whose error is one line, without the usage in front."""

    def error(self, message: str) -> NoReturn:
        raise UsageValueError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments after ``infomem``; by default, those of this process.

    Returns:
        The exit code: 0 on success; 2 for wrong usage, unreadable input or a refused ranking or verdict, with one line
        on standard error; 130 after Ctrl-C.
    """
    parser = _Parser(prog="infomem", description="Detect memorization, and choose the checkpoint that generalises.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('lightning-infomem')}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, parser_class=_Parser)
    for command in (rank, ask, run, report, show, watch, similarity, ablate, demo):
        command.add_parser(commands)
    for name in _READING_CHECKPOINTS:
        commands.choices[name].add_argument(
            "--allow",
            metavar="NAME",
            nargs="+",
            action="extend",
            default=[],
            help="classes and functions that the checkpoints may use, such as pathlib.PosixPath; loading them runs "
            "their code",
        )
    try:
        arguments = parser.parse_args(argv)
        with _trusted(getattr(arguments, "allow", [])):
            code: int = arguments.run(arguments)
        sys.stdout.flush()  # raise for a closed pipe here, not at interpreter exit
        return code
    except SystemExit as stop:  # --help and --version
        return int(stop.code or 0)
    except BrokenPipeError:  # the reader closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except UsageError as fault:
        return _refuse(str(fault))
    except OSError as fault:
        if fault.filename is None:  # this and anything else is a bug of ours, whose traceback we need to see
            raise
        return _refuse(f"'{fault.filename}': {fault.strerror}")


def _refuse(message: str) -> int:
    print(f"infomem: {printable(' '.join(message.split()))}", file=sys.stderr)
    return _WRONG_USE


def _trusted(names: Sequence[str]) -> AbstractContextManager[None]:
    if not names:
        return nullcontext()
    from lightning_infomem.checkpoints.trusted_names import trusted_names  # late, because it imports torch

    return trusted_names(names)
