"""Parts of a study that are kept, each in a file of its own, so that none is computed twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from examples.workers import on_workers
from lightning_infomem.text_file import write_text

__all__ = ["Job", "all_parts"]

Job: TypeAlias = dict[str, Any]


def all_parts(
    work: Callable[[Job], dict[str, Any]], jobs: Mapping[str, Job], folder: Path, *, workers: int, console: Console
) -> list[dict[str, Any]]:
    """The result of ``work(job)`` for every job, from its file where that is of this very job.

    Args:
        work: a function of a module; it gives plain values.
        jobs: name of the file -> all that the result depends on, as plain values.
        folder: of the files, made where it is missing.
        workers: processes, of one thread each.
        console: of the bar.

    Returns:
        In the order of the jobs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name, job in jobs.items() if _read(folder, name, job) is None]
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("learning", total=len(jobs), completed=len(jobs) - len(missing))
        waiting = [(name, jobs[name]) for name in missing]
        for (name, job), done in on_workers(_do, waiting, work, workers=workers) if waiting else ():
            write_text(folder / f"{name}.json", json.dumps({"job": job, "result": done}) + "\n")
            progress.advance(bar)
    return [result for name, job in jobs.items() if (result := _read(folder, name, job)) is not None]


def _do(named: tuple[str, Job], work: Callable[[Job], dict[str, Any]]) -> dict[str, Any]:
    return work(named[1])


def _read(folder: Path, name: str, job: Job) -> dict[str, Any] | None:
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    kept: dict[str, Any] = json.loads(path.read_text())
    result: dict[str, Any] = kept["result"]
    return result if kept["job"] == json.loads(json.dumps(job)) else None
