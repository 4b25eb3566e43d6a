"""What `infomem watch` draws."""

from __future__ import annotations

import argparse
import fnmatch
import time

from rich.console import Console
from rich.live import Live

from lightning_infomem._checks import nearest_names
from lightning_infomem._errors import UsageValueError
from lightning_infomem.cli.live_view import LayerRow, LiveView
from lightning_infomem.runs.courses import MonitorCourse
from lightning_infomem.runs.newest_run import NewestRun, newest_run
from lightning_infomem.runs.run_file import RUN_FILE

__all__ = ["watch_run"]


def watch_run(arguments: argparse.Namespace, console: Console | None = None) -> int:
    """Draw the run now, and in a terminal again and again until Ctrl-C.

    Args:
        arguments: of the command.
        console: where to draw; by default the terminal.
    """
    console = console or Console()
    newest = newest_run(arguments.folder)
    if arguments.once or not console.is_terminal or console.is_dumb_terminal:
        view = _view(newest, arguments.layers, fits_height=False)
        if not view.rows:
            raise UsageValueError(" ".join([*view.header, *view.notes]))
        console.print(view)
        return 0
    with Live(_view(newest, arguments.layers), console=console, refresh_per_second=1) as live:
        try:
            while True:
                time.sleep(arguments.every)
                newest = newest_run(newest.source)  # this one, also when a newer one begins
                live.update(_view(newest, arguments.layers))
        except KeyboardInterrupt:  # how one leaves; the last view stays
            return 0


def _view(newest: NewestRun, pattern: str, *, fits_height: bool = True) -> LiveView:
    """What there is to show now."""
    title = str(newest.folder)
    notes = [f"{name}: {why}" for name, why in newest.faults.items()]
    if not newest.monitors:
        missing = (
            f"RUN: a measurement of MemorizationMonitor is required, got none in '{newest.source}', neither in a run "
            f"file, {RUN_FILE}, nor in a checkpoint; add it to the training, "
            "Trainer(callbacks=[MemorizationMonitor()]), and wait for its first validation."
        )
        return LiveView(title, [missing], notes=notes, fits_height=fits_height)
    header = [_place([monitor.course for monitor in newest.monitors])]
    rows: list[LayerRow] = []
    for monitor in newest.monitors:
        # What several monitors say is told apart by their prefixes.
        name = "" if len(newest.monitors) == 1 else f"{monitor.course.prefix}/"
        header += [f"{name}: {line}" if name else line for line in monitor.state]
        rows += [LayerRow(f"{name}{layer}", courses) for layer, courses in monitor.course.layers.items()]
    chosen = [row for row in rows if fnmatch.fnmatchcase(row.name, pattern)]
    if not chosen:
        nearest = ", ".join(map(repr, nearest_names(pattern, [row.name for row in rows])))
        raise UsageValueError(
            f"--layers: a pattern that matches a layer is required, got {pattern!r}, which matches none; nearest: "
            f"{nearest}."
        )
    return LiveView(title, header, chosen, notes, newest.last_time, fits_height)


def _place(courses: list[MonitorCourse]) -> str:
    """How far the run is by its last measurement."""
    newest = max(courses, key=lambda course: course.steps[-1])
    step = newest.steps[-1]
    epoch = newest.epoch(step)
    return f"step {step}" if epoch is None else f"epoch {epoch}, step {step}"
