"""What `infomem watch` draws."""

from __future__ import annotations

import argparse
import fnmatch
import time

from rich.console import Console
from rich.live import Live

from lightning_infomem._checks import nearest_names
from lightning_infomem.cli.live_view import LayerRow, LiveView
from lightning_infomem.runs.courses import MonitorCourse, courses_of
from lightning_infomem.runs.newest_run import RunFiles, newest_run
from lightning_infomem.runs.state_in_words import state_in_words

__all__ = ["watch_run"]


def watch_run(arguments: argparse.Namespace, console: Console | None = None) -> int:
    """Draw the run now, and in a terminal again and again until Ctrl-C.

    Args:
        arguments: of the command.
        console: where to draw; by default the terminal.
    """
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
