"""`infomem ask`: name the inputs whose labels would tell most about which checkpoint is best."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_infomem._errors import UsageValueError
from lightning_infomem.cli.ranking_options import add_ranking_options, rank_as_asked
from lightning_infomem.reporting.text_file import check_target, write_text

if TYPE_CHECKING:
    from lightning_infomem.selection.questions import Questions

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "ask",
        help="name the inputs whose labels would tell most about which checkpoint is best",
        description=__doc__,
    )
    add_ranking_options(parser)
    parser.add_argument("--number", metavar="N", type=int, default=20, help="how many inputs (%(default)s)")
    parser.add_argument(
        "--seed", metavar="N", type=int, default=0, help="seed that decides between equally disputed inputs"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("ask.csv"),
        help="CSV file to write (%(default)s); one that holds labels is only replaced if --labels gives them",
    )
    parser.add_argument("--force", action="store_true", help="replace the output file, whatever it holds")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file, and say what to do with it.

    Raises:
        ValueError: There is no ranking, or nothing to ask; or the output file holds labels that would be lost.
    """
    output: Path = arguments.output
    check_target(output)
    questions = rank_as_asked(arguments).ask(arguments.number, seed=arguments.seed)
    if output.exists() and not arguments.force:
        _check_nothing_is_lost(output, questions)
    write_text(output, questions.to_csv())
    labelled = f", and {len(questions.answered)} that are labelled" if questions.answered else ""
    print(f"wrote {output}: {len(questions.rows)} inputs to label{labelled}")
    for note in questions.to_table().notes:
        print(note if isinstance(note, str) else note.text)
    print(f"Then: infomem rank {shlex.join(arguments.checkpoints)} --labels {shlex.quote(str(output))}")
    return 0


def _check_nothing_is_lost(output: Path, questions: Questions) -> None:
    from lightning_infomem.selection.labels import read_label_file  # late, because it imports torch

    try:
        there = read_label_file(output)
    except UsageValueError as fault:
        raise UsageValueError(
            f"--output: a new file, or one that `infomem ask` wrote, is required, got '{output}', which cannot be read "
            f"as such ({fault}); choose another name, or add --force."
        ) from fault
    kept = {each.mark: each.label for each in questions.answered}
    lost = [mark for mark, label in there.items() if kept.get(mark) != label]
    if lost:
        raise UsageValueError(
            f"--output: a file whose labels are kept is required, got '{output}', of whose {len(there)} labels "
            f"{len(lost)} would be lost; add --labels '{output}', choose another name, or add --force."
        )
