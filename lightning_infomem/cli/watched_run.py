"""Draw a run for `infomem watch`."""

from __future__ import annotations

import argparse
import fnmatch
import time

from rich.console import Console
from rich.live import Live

from lightning_infomem._checks import nearest_names
from lightning_infomem._errors import UsageValueError
from lightning_infomem.cli.live_view import LayerRow, LiveView
from lightning_infomem.runs.newest_run import NewestRun, newest_run
from lightning_infomem.runs.run_file import RUN_FILE

__all__ = ["watch_run"]


def watch_run(arguments: argparse.Namespace, console: Console | None = None) -> int:
    """Draw the run once or, in a terminal, repeatedly until Ctrl-C.

    Args:
        arguments: Arguments of the command.
        console: Console to draw on; by default the terminal.
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
                newest = newest_run(newest.source)  # the same run, even if a newer one starts
                live.update(_view(newest, arguments.layers))
        except KeyboardInterrupt:  # how users leave; the last view stays
            return 0


def _view(newest: NewestRun, pattern: str, *, fits_height: bool = True) -> LiveView:
    """Return the current view of the run."""
    title = str(newest.folder)
    notes = [f"{name}: {why}" for name, why in newest.faults.items()]
    if not newest.monitors:
        missing = (
            f"RUN: a measurement of MemorizationMonitor is required, got none in '{newest.source}', neither in a run "
            f"file, {RUN_FILE}, nor in a checkpoint; add it to the training, "
            "Trainer(callbacks=[MemorizationMonitor()]), and wait for its first validation."
        )
        return LiveView(title, [missing], notes=notes, fits_height=fits_height)
    last = max((monitor.last for monitor in newest.monitors), key=lambda each: each.step)
    header, rows = [f"epoch {int(last.epoch)}, step {last.step}"], []
    for monitor in newest.monitors:
        course = monitor.course
        prefix = course.prefix if len(newest.monitors) > 1 else ""  # distinguishes several monitors
        header += [f"{prefix}: {line}" if prefix else line for line in monitor.state]
        rows += [LayerRow(f"{prefix}/{layer}" if prefix else layer, course, layer) for layer in course.layers]
    chosen = [row for row in rows if fnmatch.fnmatchcase(row.name, pattern)]
    if not chosen:
        nearest = ", ".join(map(repr, nearest_names(pattern, [row.name for row in rows])))
        raise UsageValueError(
            f"--layers: a pattern that matches a layer is required, got {pattern!r}, which matches none; nearest: "
            f"{nearest}."
        )
    return LiveView(title, header, chosen, notes, newest.last_time, fits_height)
