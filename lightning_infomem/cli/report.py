"""`infomem report`: tell runs, or a ranking of checkpoints, on one HTML page."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_infomem._errors import UsageValueError
from lightning_infomem.cli.ranking_options import add_ranking_options, is_ranking_asked_for, rank_as_told
from lightning_infomem.reporting.text_file import check_target, write_text

if TYPE_CHECKING:
    from lightning_infomem.records.run_verdict import RunVerdict
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "report", help="tell runs, or a ranking of checkpoints, on one HTML page", description=__doc__
    )
    add_ranking_options(parser, "a folder that a training writes to, or any above; or checkpoints")
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("infomem-report.html"),
        help="where to write; a file of that name is replaced (%(default)s)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page; where a ranking is all there could be, or was asked for, and there is none, this raises."""
    check_target(arguments.output)
    from lightning_infomem.checkpoints.reading import find_checkpoints
    from lightning_infomem.pages.html_report import Chapter, html_report  # late, as all that imports torch
    from lightning_infomem.records.file_names import files_by_reason
    from lightning_infomem.runs.recorded_runs import recorded_runs

    places = [Path(place) for place in arguments.checkpoints]
    try:
        checkpoints = find_checkpoints(places)
    except ValueError:  # run files may be all there is
        checkpoints = []
    runs, faults = recorded_runs(places, checkpoints)
    ranking, verdict, why = None, None, None
    # The one checkpoint of a run cannot be ranked, and reading it again can take long.
    if len(checkpoints) != 1 or not runs or is_ranking_asked_for(arguments):
        ranking, verdict, why = _decide(arguments)
    if not runs and ranking is None and verdict is None:
        raise UsageValueError("; ".join([why or "", *files_by_reason(faults)]))
    if ranking is not None:
        faults = {path: reason for path, reason in faults.items() if path not in ranking.skipped}
    note = "" if len(runs) < 2 or why is None else f"The checkpoints are not ranked. {why}"
    chapter = Chapter(_title(places, len(runs)), ranking, note, runs, faults, verdict)
    write_text(arguments.output, html_report([chapter]))
    print(f"wrote {arguments.output}")
    if ranking is None or ranking.refusal is None:
        return 0
    if not runs or is_ranking_asked_for(arguments):
        raise UsageValueError(f"no ranking: {ranking.refusal}")
    return 0


def _decide(arguments: argparse.Namespace) -> tuple[Ranking | None, RunVerdict | None, str | None]:
    """The ranking, or the verdict on one run, or why there is neither; where a ranking was asked for this raises."""
    from lightning_infomem.selection import judge_run
    from lightning_infomem.selection.same_run import EpochsOfOneRun

    try:
        return rank_as_told(arguments), None, None
    except ValueError as fault:
        if is_ranking_asked_for(arguments):
            raise
        if isinstance(fault, EpochsOfOneRun):
            return None, judge_run(arguments.checkpoints), None
        return None, None, str(fault)


def _title(places: list[Path], num_runs: int) -> str:
    where = os.path.commonpath([os.path.abspath(place) for place in places])
    what = "Checkpoints in" if not num_runs else "Run" if num_runs == 1 else "Runs in"
    return f"{what} {Path(where).name or where}"
