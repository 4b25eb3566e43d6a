"""Keep the results of jobs in files, so that an interrupted study resumes where it stopped."""

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
    """Run ``work(job)`` for every job whose result file is missing or belongs to a different job.

    Args:
        work: Module-level function that returns plain values, not None.
        jobs: File name -> everything the result depends on, as plain values.
        folder: Folder of the files, created if missing.
        workers: Number of processes, with one thread each.

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
