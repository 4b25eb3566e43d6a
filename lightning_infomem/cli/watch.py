"""`infomem watch`: look at a training while it runs, layer by layer."""

from __future__ import annotations

import argparse
import fnmatch
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from lightning_infomem._checks import nearest_names
from lightning_infomem.cli.live_view import LayerRow, LiveView
from lightning_infomem.reporting.courses import MonitorCourse, courses_of
from lightning_infomem.reporting.newest_run import newest_run
from lightning_infomem.reporting.state_in_words import state_in_words

if TYPE_CHECKING:
    from lightning_infomem.reporting.newest_run import RunFiles

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("watch", help="look at a training while it runs", description=__doc__)
    parser.add_argument(
        "folder",
        metavar="RUN",
        type=Path,
        help="its log folder, or any above: then the newest run below; TensorBoard event files are read, or where "
        "there are none the reports in checkpoints",
    )
    parser.add_argument(
        "--every", metavar="SECONDS", type=_seconds, default=5.0, help="how often to read on (%(default)s)"
    )
    parser.add_argument("--once", action="store_true", help="print one view and exit, as without a terminal")
    parser.add_argument("--layers", metavar="PATTERN", default="*", help="show these only, as 'encoder.*'")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console | None = None) -> int:
    """Draw the run now, and in a terminal again and again until Ctrl-C."""
    console = console or Console()
    files = newest_run(arguments.folder)
    files.reload()
    if arguments.once or not console.is_terminal or console.is_dumb_terminal:
        view = _view(files, arguments.layers, fits_height=False)
        if not view.rows:
            raise ValueError(" ".join([*view.header, *view.notes]))
        console.print(view)
        return 0
    with Live(_view(files, arguments.layers), console=console, refresh_per_second=1) as live:
        try:
            while True:
                time.sleep(arguments.every)
                files.reload()
                live.update(_view(files, arguments.layers))
        except KeyboardInterrupt:  # how one leaves; the last view stays
            return 0


def _view(files: RunFiles, pattern: str, *, fits_height: bool = True) -> LiveView:
    """What there is to show now."""
    title = str(files.folder)
    notes = [f"{name}: {why}" for name, why in files.faults.items()]
    monitors = courses_of(files.values)
    if not monitors:
        missing = (
            f"RUN: values of MemorizationMonitor are required, got none in {files.source}; add it to the training, "
            "Trainer(callbacks=[MemorizationMonitor()]), and wait for its first validation."
        )
        return LiveView(title, [missing], notes=notes, fits_height=fits_height)
    header = [_place(monitors)]
    rows: list[LayerRow] = []
    for monitor in monitors:
        # What several monitors say is told apart by their prefixes.
        name = "" if len(monitors) == 1 else f"{monitor.prefix}/"
        state = state_in_words(monitor, kept=files.kept, abstention=files.abstention)
        header += [f"{name}: {line}" if name else line for line in state]
        rows += [LayerRow(f"{name}{layer}", courses) for layer, courses in monitor.layers.items()]
    chosen = [row for row in rows if fnmatch.fnmatchcase(row.name, pattern)]
    if not chosen:
        nearest = ", ".join(map(repr, nearest_names(pattern, [row.name for row in rows])))
        raise ValueError(
            f"--layers: a pattern that matches a layer is required, got {pattern!r}, which matches none; nearest: "
            f"{nearest}."
        )
    return LiveView(title, header, chosen, notes, files.last_time, fits_height)


def _place(monitors: list[MonitorCourse]) -> str:
    """How far the run is by its last measurement."""
    newest = max(monitors, key=lambda monitor: monitor.get("seconds").steps[-1])
    step = newest.get("seconds").steps[-1]
    epoch = newest.epoch(step)
    return f"step {step}" if epoch is None else f"epoch {epoch}, step {step}"


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"a number of seconds above 0 is required, got {text!r}; 5 is usual")
    return value
