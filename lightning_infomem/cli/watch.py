"""`infomem watch`: look at a training while it runs, layer by layer."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("watch", help="look at a training while it runs", description=__doc__)
    parser.add_argument(
        "folder",
        metavar="RUN",
        type=Path,
        help="log folder of the run, or any folder above it to watch the newest run below; reads the run file "
        "infomem.jsonl, or the newest checkpoint if there is none",
    )
    parser.add_argument(
        "--every", metavar="SECONDS", type=_seconds, default=5.0, help="seconds between two readings (%(default)s)"
    )
    parser.add_argument("--once", action="store_true", help="print one view and exit, as happens without a terminal")
    parser.add_argument(
        "--layers", metavar="PATTERN", default="*", help="show only matching layers, such as 'encoder.*'"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw the run now, and in a terminal again and again until Ctrl-C."""
    from lightning_infomem.cli.watched_run import watch_run  # late, because it imports torch

    return watch_run(arguments)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"a number of seconds above 0 is required, got {text!r}; 5 is usual")
    return value
