"""Options and output shared by the commands that code labels."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from lightning_infomem.reporting.text_file import check_target

if TYPE_CHECKING:
    from lightning_infomem.model_information.result import Result

__all__ = ["add_coding_options", "check_targets", "coding_settings", "present"]


def add_coding_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the codes and the output files."""
    parser.add_argument(
        "--blocks",
        metavar="END",
        nargs="+",
        default=["orgad"],
        help="where the blocks of the code end: orgad, voita, or percentages up to 100 (default: orgad)",
    )
    parser.add_argument("--epochs", metavar="N", type=int, help="maximum number of epochs per training (default: 50)")
    parser.add_argument(
        "--learning-rate",
        metavar="X",
        type=float,
        help="Adam's learning rate; a LightningModule uses its own optimiser (default: 0.001)",
    )
    parser.add_argument(
        "--batch-size", metavar="N", type=int, help="training batch size (default: the DataLoader's, else 32)"
    )
    parser.add_argument(
        "--output", metavar="FILE", type=_file(".json", ".csv", ".md"), help="write the rows to a .json, .csv or .md"
    )
    parser.add_argument("--figure", metavar="FILE", type=_file(".png", ".svg"), help="draw the rows to a .png or .svg")


def coding_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings given on the command line.

    Raises:
        ValueError: ``--blocks`` has several values, and one is not a number.
    """
    blocks: str | list[float] = arguments.blocks[0]
    if len(arguments.blocks) > 1 or arguments.blocks[0].replace(".", "", 1).isdigit():
        try:
            blocks = [float(end) for end in arguments.blocks]
        except ValueError as fault:
            raise ValueError(
                f"--blocks: the name of a schedule or percentages are required, got {' '.join(arguments.blocks)!r}; "
                "give one name, or numbers such as 10 30 100."
            ) from fault
    given = {
        "max_epochs": arguments.epochs,
        "learning_rate": arguments.learning_rate,
        "batch_size": arguments.batch_size,
    }
    # Without a terminal, the bar would only leave empty lines.
    settings = {"blocks": blocks, "progress": sys.stderr.isatty()}
    return {**settings, **{name: value for name, value in given.items() if value is not None}}


def check_targets(arguments: argparse.Namespace) -> None:
    """Check before the work starts that the output files can be written.

    Raises:
        OSError: See `check_target`.
    """
    for option in ("output", "figure"):
        path = getattr(arguments, option)
        if path is not None:
            check_target(path, option=f"--{option}")


def present(result: Result, plot: Callable[[Any], Any], arguments: argparse.Namespace) -> None:
    """Print the result and write the requested files.

    Args:
        result: Result of the command.
        plot: Function that draws the result as a matplotlib figure.
        arguments: Parsed arguments with the options of `add_coding_options`.
    """
    Console().print(result)
    if arguments.output is not None:
        print(f"wrote {result.save(arguments.output)}")
    if arguments.figure is not None:
        from lightning_infomem.plots.saving import save_figure

        print(f"wrote {save_figure(plot(result), arguments.figure)}")


def _file(*suffixes: str) -> Callable[[str], Path]:
    def path(word: str) -> Path:
        if Path(word).suffix not in suffixes:
            raise argparse.ArgumentTypeError(
                f"a name that ends in {', '.join(suffixes)} is required, got '{word}'; rename it."
            )
        return Path(word)

    return path
