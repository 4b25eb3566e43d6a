"""Run jobs in several single-threaded processes, which Ctrl-C stops at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context
from typing import Any, TypeVar

import torch

__all__ = ["on_workers"]

Job = TypeVar("Job")
Result = TypeVar("Result")


def on_workers(
    work: Callable[..., Result], jobs: Sequence[Job], *given: Any, workers: int
) -> Iterator[tuple[Job, Result]]:
    """Run ``work(job, *given)`` for every job, started in order, and yield each job with its result when it is done."""
    # A forked process would inherit the threads of torch.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare_worker)
    try:
        running = {pool.submit(work, job, *given): job for job in jobs}
        for future in as_completed(running):
            yield running[future], future.result()
    except BaseException:
        for worker in active_children():
            worker.kill()  # Lightning catches SIGTERM during training
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _prepare_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent stops its workers
    torch.set_num_threads(1)
