"""`infomem rank`: order checkpoints by the reports that they carry."""

from __future__ import annotations

import argparse

from rich.console import Console

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("rank", help="order checkpoints by the reports that they carry", description=__doc__)
    parser.add_argument("checkpoints", metavar="DIR", nargs="+", help="a folder with checkpoints, or checkpoints")
    parser.add_argument(
        "--memorization",
        choices=("heuristic", "example"),
        help="what the bad ones are suspected of: shortcuts, or storing single examples",
    )
    parser.add_argument("--reference", metavar="CKPT", help="instead: a checkpoint that is known to generalise")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the ranking; without a direction print the values, and raise."""
    # Imported late, so that `infomem --help` does not wait for torch.
    from lightning_infomem.selection.ranking import rank_checkpoints

    ranking = rank_checkpoints(
        arguments.checkpoints, memorization=arguments.memorization, reference=arguments.reference
    )
    if arguments.json:
        print(ranking.to_json())
    else:
        Console().print(ranking)
    if ranking.refusal is not None:
        raise ValueError(f"no ranking: {ranking.refusal}")
    return 0
