"""Work for several processes of one thread each, which Ctrl-C ends at once."""

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
    """Do ``work(job, *given)`` for every job, begun in order; each job with its result as soon as it is done."""
    # A fork would inherit the threads of torch.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare_worker)
    try:
        running = {pool.submit(work, job, *given): job for job in jobs}
        for future in as_completed(running):
            yield running[future], future.result()
    except BaseException:
        for worker in active_children():
            worker.kill()  # SIGTERM is caught by Lightning in the midst of a training
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _prepare_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends its workers
    torch.set_num_threads(1)
