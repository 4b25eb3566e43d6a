"""Capture activations with forward hooks; a context manager removes them in every case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from lightning_infomem.sampling.rows import attention_mask, mark_examples, num_examples, pool_rows
from lightning_infomem.sampling.samples import SamplePlan

__all__ = ["ActivationTap"]

_MAX_CLASSES = 4096  # more would be a vocabulary, whose logits take more memory than all layers


class _Rows:
    """The kept rows of one stream, by slot. It becomes empty if a batch lacks the rows or changes their width."""

    def __init__(self) -> None:
        self._kept: Tensor | None = None
        self._is_broken = False

    def write(self, rows: Tensor | None, slots: Tensor, plan: SamplePlan) -> None:
        if rows is None or (self._kept is not None and rows.shape[1] != self._kept.shape[1]):
            self._is_broken, self._kept = True, None
        if self._is_broken or rows is None:
            return
        if self._kept is None or len(self._kept) < plan.num_kept:
            # Grow by doubling, so that a small validation set does not allocate max_samples rows.
            held = 0 if self._kept is None else len(self._kept)
            grown = rows.new_zeros((min(plan.max_samples, max(plan.num_kept, 2 * held)), rows.shape[1]))
            if self._kept is not None:
                grown[:held] = self._kept
            self._kept = grown
        self._kept[slots.to(self._kept.device)] = rows.to(self._kept.device)

    def read(self, num_kept: int) -> Tensor:
        return torch.empty(num_kept, 0) if self._kept is None else self._kept[:num_kept]


class ActivationTap:
    """Capture rows of module outputs while batches pass through a network.

    Between `open_batch` and `close_batch`, the first call of each tapped module is captured. A batch is closed for all
    layers together, so row i of one layer corresponds to row i of every other. A layer that cannot be read, or is not
    called in every batch, is skipped with a reason. The hooks return nothing and copy what they keep, so the network
    is unaffected.

    Args:
        layers: Name -> module to tap.
        plan: Plan of the rows and units to keep.
        pooling: Pooling over positions; see `MeasurementSettings`.
        head: Layer whose outputs are read as logits; unreadable logits are silently left out.
    """

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        plan: SamplePlan,
        pooling: str | Callable[[Tensor], Tensor] = "mean",
        head: nn.Module | None = None,
    ) -> None:
        self.plan = plan
        self.skipped: dict[str, str] = {}
        self._layers = dict(layers)
        self._head = head
        self._logits = _Rows()
        self._input_marks = _Rows()
        self._pooling = pooling
        self._handles: list[RemovableHandle] = []
        self._buffers: dict[str, _Rows] = {}
        self._widths: dict[str, int] = {}
        self._num_batches = 0
        self._open = False

    def __enter__(self) -> ActivationTap:
        for name, module in self._layers.items():
            self._handles.append(module.register_forward_hook(self._hook(name)))
        if self._head is not None:
            self._handles.append(self._head.register_forward_hook(self._head_hook))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove all hooks; captured rows remain available."""
        self._open = False
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def open_batch(self, batch: object) -> None:
        """Draw the examples of the batch to keep, and start capturing."""
        count = num_examples(batch)
        self._num_rows = count or 0
        self._rows, self._slots = self.plan.offer(self._num_rows)
        self._mask = attention_mask(batch)
        self._marks = mark_examples(batch, self._rows)
        self._caught: dict[str, Tensor] = {}
        self._caught_logits: Tensor | None = None
        self._called: set[str] = set()
        self._open = len(self._rows) > 0

    def close_batch(self) -> None:
        """Store the rows captured from all layers in their slots."""
        if not self._open:
            return
        self._open = False
        self._num_batches += 1
        for name in self._layers.keys() - self.skipped.keys() - self._caught.keys():
            self.skipped[name] = f"not called in sampled batch {self._num_batches}"
        for name, rows in self._caught.items():
            if name not in self.skipped:
                self._store(self._buffers.setdefault(name, _Rows()), rows)
        self._store(self._logits, self._caught_logits)
        self._store(self._input_marks, self._marks)

    def samples(self) -> dict[str, Tensor]:
        """Return name -> ``[samples, units]`` of the layers captured in every batch."""
        kept = self.plan.num_kept
        return {name: self._buffers[name].read(kept) for name in self._layers if self._readable(name)}

    def units(self) -> dict[str, Tensor]:
        """Return name -> int64 indices of the units in `samples`."""
        return {name: self.plan.units(self._widths[name]) for name in self._layers if self._readable(name)}

    def widths(self) -> dict[str, int]:
        """Return name -> number of units of the layer."""
        return {name: self._widths[name] for name in self._layers if self._readable(name)}

    def logits(self) -> Tensor:
        """Return the head's outputs for the same rows: float32 ``[samples, classes]``, with 0 classes if unread."""
        return self._logits.read(self.plan.num_kept)

    def input_marks(self) -> Tensor:
        """Return a hash per input: int64 ``[samples, 1]`` on the CPU, with 0 columns if the inputs were unreadable."""
        return self._input_marks.read(self.plan.num_kept)

    def _readable(self, name: str) -> bool:
        return name in self._buffers and name not in self.skipped

    def _store(self, buffer: _Rows, rows: Tensor | None) -> None:
        buffer.write(rows, self._slots, self.plan)

    def _hook(self, name: str) -> Callable[[nn.Module, object, object], None]:
        def catch(module: nn.Module, inputs: object, output: object) -> None:
            if not self._open or name in self._called or name in self.skipped:
                return
            self._called.add(name)
            try:
                self._caught[name] = self._read(name, module, output)
            except Exception as fault:  # a fault in one output must not stop the network's own work
                self.skipped[name] = f"{fault}" or type(fault).__name__

        return catch

    def _head_hook(self, module: nn.Module, inputs: object, output: object) -> None:
        if not self._open or self._caught_logits is not None or not isinstance(output, Tensor):
            return
        is_table = output.ndim == 2 and len(output) == self._num_rows and 2 <= output.shape[1] <= _MAX_CLASSES
        # As with layers, a fault in the output must not stop the network's own work.
        with suppress(Exception):
            if is_table and output.is_floating_point():
                self._caught_logits = output.detach()[self._rows.to(output.device)].float()

    @torch.no_grad()
    def _read(self, name: str, module: nn.Module, output: object) -> Tensor:
        rows = pool_rows(output, module, self._rows, self._num_rows, pooling=self._pooling, mask=self._mask)
        width = self._widths.setdefault(name, rows.shape[1])
        if rows.shape[1] != width:
            raise ValueError(f"it has {rows.shape[1]} units in one batch and {width} in another; pool its positions")
        return rows if width <= self.plan.max_units else rows[:, self.plan.units(width).to(rows.device)]
