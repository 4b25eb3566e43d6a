"""Many processes that train one network: what each caught, brought together; none waits for one that failed."""

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
    """This process among those that train together; by default the only one."""

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> Ranks:
        """As the initialised process group of torch says."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    def on_all(self, work: Callable[[], Value]) -> list[Value]:
        """Do something on every rank and give every rank all results, in the order of ranks.

        An error on one rank is raised on all of them, so that none waits for a result that never comes.

        Args:
            work: the share of this rank; its result is pickled, so tensors should be on the CPU.

        Raises:
            Exception: the error of ``work`` on its own rank; on the others a `RuntimeError` that names rank and error.
        """
        if self.size == 1:
            return [work()]
        result: Value | None = None
        fault: Exception | None = None
        try:
            result = work()
        except Exception as error:  # whatever it is, the other ranks must hear of it
            fault = error
        outcomes: list[tuple[Value, str]] = [None] * self.size  # type: ignore[list-item]
        distributed.all_gather_object(outcomes, (result, f"{type(fault).__name__}: {fault}" if fault else ""))
        if fault is not None:
            raise fault
        failed = [f"rank {rank}: {words}" for rank, (_, words) in enumerate(outcomes) if words]
        if failed:
            raise RuntimeError(f"another rank failed ({'; '.join(failed)})")
        return [value for value, _ in outcomes]

    def agree(self, work: Callable[[], Value]) -> Value:
        """Do something on every rank and keep the result of this one, if no rank failed; see `on_all`."""
        results: list[Value] = []
        self.on_all(lambda: results.append(work()))
        return results[0]


class Caught(NamedTuple):
    """What an `ActivationTap` caught, on all ranks together; see there."""

    samples: dict[str, Tensor]
    units: dict[str, Tensor]
    widths: dict[str, int]
    skipped: dict[str, str]
    logits: Tensor
    input_marks: Tensor


def bring_together(tap: ActivationTap, ranks: Ranks) -> Caught:
    """The rows that one process would have kept, had it seen the rows of all ranks; every rank gets all of them.

    Each rank kept the rows of smallest keys among its own, so those of all are among them. Only the keys of all kept
    rows and the rows that stay are sent. A layer that one rank could not read is left out on all.

    Args:
        tap: of this rank, closed.
        ranks: who takes part; all must call this.

    Raises:
        RuntimeError: a rank failed, or the ranks have layers of different widths.
    """
    if ranks.size == 1:
        return Caught(tap.samples(), tap.units(), tap.widths(), tap.skipped, tap.logits(), tap.input_marks())
    headers = ranks.on_all(lambda: (tap.plan.keys, tap.widths(), tap.skipped))
    skipped = {name: why for _, _, reasons in headers for name, why in reasons.items()}
    widths: dict[str, int] = {}
    for _, found, _ in headers:
        for name, width in found.items():
            if widths.setdefault(name, width) != width:
                skipped[name] = f"it has {widths[name]} units on one rank and {width} on another; pool its positions"
    widths = {name: width for name, width in widths.items() if name not in skipped}
    every_key = np.sort(np.concatenate([keys for keys, _, _ in headers]))
    last = every_key[: tap.plan.max_samples][-1:]
    stays = torch.from_numpy(tap.plan.keys <= last) if len(last) else torch.zeros(0, dtype=torch.bool)

    def own_rows() -> tuple[dict[str, Tensor], Tensor, Tensor]:
        own = {name: rows[stays.to(rows.device)].cpu() for name, rows in tap.samples().items() if name in widths}
        logits = tap.logits()
        return own, logits[stays.to(logits.device)].cpu(), tap.input_marks()[stays]

    parts = ranks.on_all(own_rows)

    def all_rows() -> dict[str, Tensor]:
        devices = {name: rows.device for name, rows in tap.samples().items()}
        return {
            name: torch.cat([own[name] for own, _, _ in parts if name in own]).to(devices.get(name, "cpu"))
            for name in widths
        }

    samples = ranks.agree(all_rows)
    units = {name: tap.plan.units(width) for name, width in widths.items()}
    logits = _joined([logits for _, logits, _ in parts])
    input_marks = _joined([marks for _, _, marks in parts])
    return Caught(samples, units, widths, skipped, logits, input_marks)


def _joined(parts: list[Tensor]) -> Tensor:
    """The rows of all ranks; no column where a rank that has rows read none, or another number."""
    with_rows = [part for part in parts if len(part)]
    if len({part.shape[1] for part in with_rows}) == 1:
        return torch.cat(with_rows)
    return torch.empty(sum(map(len, parts)), 0)
