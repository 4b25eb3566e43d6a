"""`infomem demo`: train small networks that memorize, and rank them."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("demo", help="train small networks that memorize, and rank them", description=__doc__)
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("infomem-demo"), help="output folder (%(default)s)"
    )
    parser.add_argument("--seed", metavar="N", type=_seed, default=0, help="seed of data and training (%(default)s)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo."""
    arguments.output.mkdir(parents=True, exist_ok=True)  # before minutes of training
    from lightning_infomem.demo.run import run_demo

    run_demo(arguments.output, arguments.seed, Console())
    return 0


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:  # numpy takes no others
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {2**32 - 1} is required, got {text!r}")
    return int(text)
