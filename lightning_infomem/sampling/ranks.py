"""Combine the samples captured by the ranks of a distributed run, without deadlocks when one rank fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, distributed

from lightning_infomem.sampling.taps import ActivationTap

__all__ = ["Caught", "Ranks", "bring_together"]

Value = TypeVar("Value")


class Ranks(NamedTuple):
    """Position of this process among those that train together; by default, the only one."""

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> Ranks:
        """Return the position in torch's process group, if one is initialised."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    def on_all(self, work: Callable[[], Value]) -> list[Value]:
        """Run a function on every rank, and return the results of all ranks in order.

        An error on one rank is raised on all ranks, so that none waits for a result that never comes.

        Args:
            work: Function to run on this rank. Its result is pickled, so tensors should be on the CPU.

        Raises:
            Exception: The error of ``work`` on the rank that failed, and a `RuntimeError` with rank and error on the
                others.
        """
        if self.size == 1:
            return [work()]
        result: Value | None = None
        fault: Exception | None = None
        try:
            result = work()
        except Exception as error:  # any error must reach the other ranks
            fault = error
        outcomes: list[tuple[Value, str]] = [None] * self.size  # type: ignore[list-item]
        distributed.all_gather_object(outcomes, (result, f"{type(fault).__name__}: {fault}" if fault else ""))
        if fault is not None:
            raise fault
        failed = [f"rank {rank}: {message}" for rank, (_, message) in enumerate(outcomes) if message]
        if failed:
            raise RuntimeError(f"another rank failed ({'; '.join(failed)})")
        return [value for value, _ in outcomes]

    def run_together(self, work: Callable[[], Value]) -> Value:
        """Run a function on every rank and return this rank's result, unless a rank failed; see `on_all`."""
        results: list[Value] = []
        self.on_all(lambda: results.append(work()))
        return results[0]


class Caught(NamedTuple):
    """The samples that an `ActivationTap` captured, combined over all ranks.

    ``task`` and ``task_reason`` are what the batches and the network show of the task; see `InformationReport`.
    ``places`` are those of the rows in the stream; None if they cannot be known.
    """

    samples: dict[str, Tensor]
    units: dict[str, Tensor]
    widths: dict[str, int]
    skipped: dict[str, str]
    logits: Tensor
    input_marks: Tensor
    task: str = "unknown"
    task_reason: str = ""
    places: Tensor | None = None


def bring_together(tap: ActivationTap, ranks: Ranks) -> Caught:
    """Combine the rows captured by all ranks into those that a single process would have kept.

    Each rank has kept its rows with the smallest keys, so the rows with the smallest keys overall are among them. Only
    keys and the selected rows are sent. Every rank gets all rows. A layer is skipped if one rank could not read it or
    if its width differs between ranks.

    Args:
        tap: Closed tap of this rank.
        ranks: Participating ranks; all of them must call this function.

    Raises:
        RuntimeError: A rank failed.
    """
    if ranks.size == 1:
        rows = (tap.samples(), tap.units(), tap.widths(), tap.skipped, tap.logits(), tap.input_marks())
        return Caught(*rows, *tap.task(), tap.places())
    headers = ranks.on_all(lambda: (tap.plan.keys, tap.widths(), tap.skipped, tap.task()))
    skipped = {name: why for _, _, reasons, _ in headers for name, why in reasons.items()}
    widths: dict[str, int] = {}
    for _, found, _, _ in headers:
        for name, width in found.items():
            if widths.setdefault(name, width) != width:
                skipped[name] = f"it has {widths[name]} units on one rank and {width} on another; pool its positions"
    for name in widths:
        if any(len(keys) and name not in found for keys, found, _, _ in headers):
            skipped.setdefault(name, "it was not read on every rank")
    widths = {name: width for name, width in widths.items() if name not in skipped}
    every_key = np.sort(np.concatenate([keys for keys, *_ in headers]))
    last = every_key[: tap.plan.max_samples][-1:]
    stays = torch.from_numpy(tap.plan.keys <= last) if len(last) else torch.zeros(0, dtype=torch.bool)
    stays = stays.repeat_interleave(tap.views)

    def local_rows() -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor | None]:
        local = {name: rows[stays.to(rows.device)].cpu() for name, rows in tap.samples().items() if name in widths}
        logits, places = tap.logits(), tap.places()
        known = None if places is None else places[stays]
        return local, logits[stays.to(logits.device)].cpu(), tap.input_marks()[stays], known

    parts = ranks.on_all(local_rows)

    def all_rows() -> dict[str, Tensor]:
        devices = {name: rows.device for name, rows in tap.samples().items()}
        return {
            name: torch.cat([local[name] for local, *_ in parts if name in local]).to(devices.get(name, "cpu"))
            for name in widths
        }

    samples = ranks.run_together(all_rows)
    units = {name: tap.plan.units(width) for name, width in widths.items()}
    logits = _joined([logits for _, logits, *_ in parts])
    input_marks = _joined([marks for *_, marks, _ in parts])
    places = [each for *_, each in parts if each is not None]
    tasks = [task for *_, task in headers]
    known = next((task for task in tasks if task[0] not in ("none", "unknown")), tasks[0])
    together = torch.cat(places) if len(places) == len(parts) else None
    return Caught(samples, units, widths, skipped, logits, input_marks, *known, together)


def _joined(parts: list[Tensor]) -> Tensor:
    """Concatenate the rows of all ranks; without columns if the ranks with rows differ in their number of columns."""
    with_rows = [part for part in parts if len(part)]
    if len({part.shape[1] for part in with_rows}) == 1:
        return torch.cat(with_rows)
    return torch.empty(sum(map(len, parts)), 0)
