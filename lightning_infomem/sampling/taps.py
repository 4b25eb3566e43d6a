"""Forward hooks that catch activations, as a context manager: whatever happens, none stays behind."""

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

_MAX_CLASSES = 4096  # more are a vocabulary: its logits would take more memory than all layers


class _Rows:
    """The kept rows of one stream, by slot; no column once a batch came without them, or with another width."""

    def __init__(self) -> None:
        self._kept: Tensor | None = None
        self._is_broken = False

    def write(self, rows: Tensor | None, slots: Tensor, plan: SamplePlan) -> None:
        if rows is None or (self._kept is not None and rows.shape[1] != self._kept.shape[1]):
            self._is_broken, self._kept = True, None
        if self._is_broken or rows is None:
            return
        if self._kept is None or len(self._kept) < plan.num_kept:
            # Grown by doubling: a small validation set does not pay for max_samples.
            held = 0 if self._kept is None else len(self._kept)
            grown = rows.new_zeros((min(plan.max_samples, max(plan.num_kept, 2 * held)), rows.shape[1]))
            if self._kept is not None:
                grown[:held] = self._kept
            self._kept = grown
        self._kept[slots.to(self._kept.device)] = rows.to(self._kept.device)

    def read(self, num_kept: int) -> Tensor:
        return torch.empty(num_kept, 0) if self._kept is None else self._kept[:num_kept]


class ActivationTap:
    """Catches rows of the outputs of some modules while batches pass through a network.

    Between `open_batch` and `close_batch` every call of a tapped module is seen; of several calls in one batch the
    first counts. A batch is closed for all layers together, so that row i of one layer is row i of every other. A
    layer that cannot be read, or that was not called in each batch, is left out with a reason. The hooks return
    nothing and copy what they keep: the network is not changed.

    Args:
        layers: name -> module.
        plan: which rows and units are kept.
        pooling: see `MeasurementSettings`.
        head: the layer whose outputs are read as logits; nothing is said where they cannot be.
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
        """Take all hooks off; what was caught stays."""
        self._open = False
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def open_batch(self, batch: object) -> None:
        """Begin to catch: draw which of the batch's examples are kept."""
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
        """End of a batch: the caught rows of all layers take their slots."""
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
        """Name -> ``[samples, units]`` of the layers that were caught in every batch."""
        kept = self.plan.num_kept
        return {name: self._buffers[name].read(kept) for name in self._layers if self._readable(name)}

    def units(self) -> dict[str, Tensor]:
        """Name -> int64 indices of the units that `samples` holds."""
        return {name: self.plan.units(self._widths[name]) for name in self._layers if self._readable(name)}

    def widths(self) -> dict[str, int]:
        """Name -> units that the layer has."""
        return {name: self._widths[name] for name in self._layers if self._readable(name)}

    def logits(self) -> Tensor:
        """``[samples, classes]``, float32, what the head put out for the same rows; no class where it was not read."""
        return self._logits.read(self.plan.num_kept)

    def input_marks(self) -> Tensor:
        """int64 ``[samples, 1]``, on the CPU: equal for equal inputs; no column where inputs could not be read."""
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
            except Exception as fault:  # whatever is wrong with one output must not stop the network's own work
                self.skipped[name] = f"{fault}" or type(fault).__name__

        return catch

    def _head_hook(self, module: nn.Module, inputs: object, output: object) -> None:
        if not self._open or self._caught_logits is not None or not isinstance(output, Tensor):
            return
        is_table = output.ndim == 2 and len(output) == self._num_rows and 2 <= output.shape[1] <= _MAX_CLASSES
        # As of a layer: whatever is wrong with the output must not stop the network's own work.
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
