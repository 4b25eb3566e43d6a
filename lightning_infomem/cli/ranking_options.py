"""What the commands that rank have in common: their options, and the call."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_infomem._errors import UsageValueError

if TYPE_CHECKING:
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["add_ranking_options", "is_ranking_asked_for", "rank_as_told"]


def add_ranking_options(
    parser: argparse.ArgumentParser, places: str = "a folder with checkpoints, or checkpoints"
) -> None:
    """Add the checkpoints and all options of the ranking itself.

    Args:
        parser: of the command.
        places: what to give in their place, for its help.
    """
    parser.add_argument("checkpoints", metavar="DIR", nargs="+", help=places)
    parser.add_argument(
        "--memorization",
        choices=("heuristic", "example"),
        help="what the bad ones are suspected of: shortcuts, or storing single examples",
    )
    parser.add_argument("--reference", metavar="CKPT", help="instead: a checkpoint that is known to generalise")
    parser.add_argument(
        "--groups",
        metavar="REGEX",
        help="the recipe's name is the first (group) where this matches a file's name, its path below DIR included: "
        "recipes with several seeds are ranked by their means as well; '(.+)' makes each file a recipe of its own",
    )
    parser.add_argument(
        "--allow-mismatch",
        metavar="FIELD",
        nargs="+",
        action="extend",
        default=[],
        help="rank reports that differ in these fields all the same, such as probe or settings.bins",
    )
    parser.add_argument("--weight-norms", action="store_true", help="take norms of the weights as baselines, too")


def is_ranking_asked_for(arguments: argparse.Namespace) -> bool:
    """Whether any option of `add_ranking_options` was given."""
    given = ("memorization", "reference", "groups", "allow_mismatch", "weight_norms")
    return any(getattr(arguments, name) for name in given)


def rank_as_told(arguments: argparse.Namespace) -> Ranking:
    """Rank with the options of `add_ranking_options`.

    Raises:
        ValueError: as `rank_checkpoints`, or a pattern of groups that is none or does not match.
    """
    # Imported late, so that `infomem --help` does not wait for torch.
    from lightning_infomem.selection.rank_checkpoints import rank_checkpoints

    return rank_checkpoints(
        arguments.checkpoints,
        memorization=arguments.memorization,
        reference=arguments.reference,
        groups=None if arguments.groups is None else _group_by(arguments.groups, arguments.checkpoints),
        allow_mismatch=arguments.allow_mismatch,
        weight_norms=arguments.weight_norms,
    )


def _group_by(pattern: str, places: Sequence[str]) -> Callable[[Path], str]:
    """A function from a checkpoint's path to the name of its recipe."""
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
        # Runs often differ by their folders, and all their files are called last.ckpt.
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
