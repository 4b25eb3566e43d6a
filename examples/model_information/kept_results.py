"""Results of jobs in files, so that a study that was broken off goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from examples.workers import on_workers
from lightning_infomem.reporting.text_file import write_text

__all__ = ["Job", "kept_results"]

Job: TypeAlias = dict[str, Any]


def kept_results(work: Callable[[Job], Any], jobs: Mapping[str, Job], folder: Path, *, workers: int) -> dict[str, Any]:
    """Do ``work(job)`` for every job that has no file yet, or one of another job by that name.

    Args:
        work: a function of a module; it gives plain values, not None.
        jobs: name of the file -> all that the result depends on, as plain values.
        folder: of the files, made where it is missing.
        workers: processes, of one thread each.

    Returns:
        Name -> result, in the order of the jobs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = {name: result for name, job in jobs.items() if (result := _read(folder / f"{name}.json", job)) is not None}
    missing = [name for name in jobs if name not in known]
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("coding", total=len(jobs), completed=len(known))
        for name, result in on_workers(_do, missing, work, dict(jobs), workers=workers) if missing else ():
            write_text(folder / f"{name}.json", json.dumps({"job": jobs[name], "result": result}) + "\n")
            known[name] = result
            progress.advance(bar)
    return {name: known[name] for name in jobs}


def _do(name: str, work: Callable[[Job], Any], jobs: Mapping[str, Job]) -> Any:
    return work(jobs[name])


def _read(path: Path, job: Job) -> Any:
    if not path.exists():
        return None
    kept: dict[str, Any] = json.loads(path.read_text())
    return kept["result"] if kept["job"] == json.loads(json.dumps(job)) else None
