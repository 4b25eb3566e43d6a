"""The options of the commands that rank, and the call."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.tasks import GIVEN_TASKS

if TYPE_CHECKING:
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["add_ranking_options", "add_task_option", "is_ranking_asked_for", "rank_as_asked"]


def add_ranking_options(
    parser: argparse.ArgumentParser, places: str = "a folder with checkpoints, or checkpoints"
) -> None:
    """Add the checkpoints and all options of the ranking itself.

    Args:
        parser: Parser of the command.
        places: Help for the positional argument.
    """
    parser.add_argument("checkpoints", metavar="DIR", nargs="+", help=places)
    parser.add_argument(
        "--memorization",
        choices=("heuristic", "example"),
        help="suspected kind of memorization, among networks of one recipe: shortcuts, or single examples",
    )
    parser.add_argument(
        "--reference", metavar="CKPT", help="instead of the kind: a checkpoint that is known to generalise"
    )
    parser.add_argument(
        "--labels", metavar="CSV", help="known labels of some inputs: the file of `infomem ask`, filled in"
    )
    parser.add_argument(
        "--groups",
        metavar="REGEX",
        help="also rank recipes with several seeds by their means; the name of a recipe is the first (group) of this "
        "pattern in the path below DIR, so '(.+)' makes each file a recipe",
    )
    parser.add_argument(
        "--not-along-run",
        dest="along_run",
        action="store_const",
        const=False,
        help="rank the checkpoints even if they are epochs of one run",
    )
    parser.add_argument(
        "--allow-mismatch",
        metavar="FIELD",
        nargs="+",
        action="extend",
        default=[],
        help="rank reports even if they differ in these fields, such as probe or settings.bins; with recipes, measures "
        "of hidden layers may lead although the networks were trained in different ways",
    )
    parser.add_argument("--weight-norms", action="store_true", help="include norms of the weights as baselines")
    add_task_option(parser)


def add_task_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that says what the networks do."""
    parser.add_argument(
        "--task",
        choices=GIVEN_TASKS,
        default="auto",
        help="what the networks do, where their reports do not say: only those that classify have predicted classes",
    )


def is_ranking_asked_for(arguments: argparse.Namespace) -> bool:
    """Whether any option of `add_ranking_options` was given."""
    options = ("memorization", "reference", "labels", "groups", "allow_mismatch", "weight_norms")
    return arguments.along_run is not None or any(getattr(arguments, name) for name in options)


def rank_as_asked(arguments: argparse.Namespace) -> Ranking:
    """Rank with the options of `add_ranking_options`.

    Raises:
        ValueError: See `rank_checkpoints`; or ``--groups`` is no regular expression, or does not match.
    """
    # Imported late, so that `infomem --help` does not wait for torch.
    from lightning_infomem.selection.rank_checkpoints import rank_checkpoints

    return rank_checkpoints(
        arguments.checkpoints,
        memorization=arguments.memorization,
        reference=arguments.reference,
        labels=arguments.labels,
        groups=None if arguments.groups is None else _group_by(arguments.groups, arguments.checkpoints),
        along_run=arguments.along_run,
        allow_mismatch=arguments.allow_mismatch,
        weight_norms=arguments.weight_norms,
        task=arguments.task,
    )


def _group_by(pattern: str, places: Sequence[str]) -> Callable[[Path], str]:
    """Return a function from the path of a checkpoint to the name of its recipe."""
    try:
        expression = re.compile(pattern)
    except re.error as fault:
        raise UsageValueError(
            f"--groups: a regular expression is required, got {pattern!r} ({fault}); mend it."
        ) from fault
    if not expression.groups:
        raise UsageValueError(
            f"--groups: a regular expression with a (group) around the recipe's name is required, got {pattern!r}; "
            "put the name in brackets, as in '(.+)-seed'."
        )
    folders = [Path(place) for place in places if Path(place).is_dir()]

    def name_group(path: Path) -> str:
        # Often only the folders of runs differ, and all files are called last.ckpt.
        below = [path.relative_to(folder).as_posix() for folder in folders if path.is_relative_to(folder)]
        name = min(below, key=len, default=path.name)
        found = expression.search(name)
        if found is None or not found[1]:
            raise UsageValueError(
                f"--groups: a pattern that finds a recipe in every name is required, got {pattern!r}, which finds none "
                f"in '{name}'; widen it, or leave that file out."
            )
        return found[1]

    return name_group
