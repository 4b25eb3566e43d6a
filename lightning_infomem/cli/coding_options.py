"""Options and output shared by the commands that code labels."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from lightning_infomem._errors import UsageValueError
from lightning_infomem.reporting.text_file import check_target

if TYPE_CHECKING:
    from lightning_infomem.model_information.result import Result

__all__ = ["add_coding_command", "coding_settings", "report_result"]


def add_coding_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    *,
    help: str,
    description: str | None,
    example: str,
    data: str,
) -> argparse.ArgumentParser:
    """Add a command with the options for the model, the data, the codes and the output files.

    Args:
        commands: Where to add it.
        name: Name of the command.
        help: Help in the list of commands.
        description: Description in its own help.
        example: Example below that.
        data: Help for ``--data``.
    """
    parser = commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    path = {"metavar": "MODULE:FUNCTION", "required": True}
    add: Callable[..., Any] = parser.add_argument
    add("--model", **path, help="function or class that makes the untrained model")
    add("--data", **path, help=data)
    add(
        "--blocks",
        metavar="END",
        nargs="+",
        default=["orgad"],
        help="where the blocks of the code end: orgad, voita, or percentages up to 100 (default: orgad)",
    )
    add("--epochs", metavar="N", type=int, help="maximum number of epochs per training (default: 50)")
    rate = "Adam's learning rate; a LightningModule uses its own optimiser (default: 0.001)"
    add("--learning-rate", metavar="X", type=float, help=rate)
    add("--batch-size", metavar="N", type=int, help="training batch size (default: the DataLoader's, else 32)")
    rows, figure = _target("--output", ".json", ".csv", ".md"), _target("--figure", ".png", ".svg")
    add("--output", metavar="FILE", type=rows, help="write the rows to a .json, .csv or .md")
    add("--figure", metavar="FILE", type=figure, help="draw the rows to a .png or .svg")
    return parser


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
            raise UsageValueError(
                f"--blocks: the name of a schedule or percentages are required, got {' '.join(arguments.blocks)!r}; "
                "give one name, or numbers such as 10 30 100."
            ) from fault
    settings = {
        "blocks": blocks,
        "progress": sys.stderr.isatty(),  # without a terminal, the bar would only leave empty lines
        "max_epochs": arguments.epochs,
        "learning_rate": arguments.learning_rate,
        "batch_size": arguments.batch_size,
    }
    return {name: value for name, value in settings.items() if value is not None}


def report_result(result: Result, plot: Callable[[Any], Any], arguments: argparse.Namespace) -> None:
    """Print the result and write the requested files.

    Args:
        result: Result of the command.
        plot: Function that draws the result as a matplotlib figure.
        arguments: Parsed arguments of a command from `add_coding_command`.
    """
    Console().print(result)
    if arguments.output is not None:
        print(f"wrote {result.save(arguments.output)}")
    if arguments.figure is not None:
        from lightning_infomem.plots.saving import save_figure

        print(f"wrote {save_figure(plot(result), arguments.figure)}")


def _target(option: str, *suffixes: str) -> Callable[[str], Path]:
    """Make the type of an option that names a file to write."""

    def path(word: str) -> Path:
        if Path(word).suffix not in suffixes:
            raise argparse.ArgumentTypeError(
                f"a name that ends in {', '.join(suffixes)} is required, got '{word}'; rename it."
            )
        check_target(Path(word), option=option)
        return Path(word)

    return path
