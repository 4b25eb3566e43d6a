"""`infomem report`: write runs, or a ranking of checkpoints, to one HTML page."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from lightning_infomem._errors import UsageValueError
from lightning_infomem.cli.ranking_options import add_ranking_options, is_ranking_asked_for, rank_as_asked
from lightning_infomem.reporting.text_file import check_target, write_text

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "report", help="write runs, or a ranking of checkpoints, to one HTML page", description=__doc__
    )
    add_ranking_options(parser, "a folder that a training writes to, or any folder above it; or checkpoints")
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("infomem-report.html"),
        help="file to write or replace (%(default)s)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page.

    Raises:
        ValueError: There is neither a run nor a ranking; or there is no ranking, although it was asked for.
    """
    check_target(arguments.output)
    # Imported late, because these import torch.
    from lightning_infomem.checkpoints.reading import find_checkpoints, places_of
    from lightning_infomem.pages.html_report import Chapter, html_report
    from lightning_infomem.records.file_names import files_by_reason
    from lightning_infomem.runs.recorded_runs import recorded_runs
    from lightning_infomem.selection import judge_run
    from lightning_infomem.selection.compare_candidates import EpochsOfOneRun

    places = places_of(arguments.checkpoints)
    try:
        checkpoints = find_checkpoints(places)
    except UsageValueError:  # there may be only run files
        checkpoints = []
    runs, faults = recorded_runs(places, checkpoints)
    is_asked = is_ranking_asked_for(arguments)
    ranking, verdict, note = None, None, ""
    # The only checkpoint of a run cannot be ranked, and reading it again can take long.
    if len(checkpoints) != 1 or not runs or is_asked:
        try:
            ranking = rank_as_asked(arguments)
            faults = {path: reason for path, reason in faults.items() if path not in ranking.skipped}
        except UsageValueError as fault:
            if is_asked:
                raise
            if isinstance(fault, EpochsOfOneRun):
                verdict = judge_run(arguments.checkpoints, task=arguments.task)
            elif not runs:
                raise UsageValueError("; ".join([str(fault), *files_by_reason(faults)])) from fault
            elif len(runs) > 1:
                note = f"The checkpoints are not ranked. {fault}"
    if verdict is None and ranking is None and len(runs) == 1 and arguments.task != "auto":
        verdict = judge_run(arguments.checkpoints, task=arguments.task)
    chapter = Chapter(_title(places, len(runs)), ranking, note, runs, faults, verdict)
    write_text(arguments.output, html_report([chapter]))
    print(f"wrote {arguments.output}")
    if ranking is not None and ranking.refusal is not None and (is_asked or not runs):
        raise UsageValueError(f"no ranking: {ranking.refusal}")
    return 0


def _title(places: list[Path], num_runs: int) -> str:
    where = os.path.commonpath([os.path.abspath(place) for place in places])
    what = "Checkpoints in" if not num_runs else "Run" if num_runs == 1 else "Runs in"
    return f"{what} {Path(where).name or where}"
