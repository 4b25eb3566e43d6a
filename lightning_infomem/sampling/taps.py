"""Capture activations while batches pass through a network; a context manager ends it in every case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.hooks import RemovableHandle

from lightning_infomem._errors import UsageValueError
from lightning_infomem.sampling.batches import attention_mask, leaf_tensors, mark_examples, parts_of
from lightning_infomem.sampling.kept_rows import KeptRows
from lightning_infomem.sampling.layout import layout_of
from lightning_infomem.sampling.network_plan import NetworkPlan
from lightning_infomem.sampling.rows import PooledRows, activation_of, pool_rows
from lightning_infomem.sampling.samples import SamplePlan
from lightning_infomem.sampling.task import TaskEvidence

__all__ = ["ActivationTap"]

_MAX_CLASSES = 4096  # more would be a vocabulary, whose logits take more memory than all layers


class ActivationTap:
    """Capture rows of module outputs while batches pass through a network.

    Between `open_batch` and `close_batch`, the first call of each tapped module is captured. A batch is closed for all
    layers together, so row i of one layer corresponds to row i of every other. A layer that cannot be read, or is not
    called in every batch, is skipped with a reason. What is kept is copied, so the network is unaffected. The hook is
    global: nothing is attached to the network, which can be pickled and copied meanwhile.

    Args:
        layers: Name -> module to tap.
        plan: Plan of the rows and units to keep.
        pooling: Pooling over positions; see `MeasurementSettings`.
        head: Module whose outputs are read as logits; unreadable logits are silently left out.
        network: How the network was read: how to count the examples of a batch, and how many rows each has.
        evidence: Collects what the batches tell about the task.
    """

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        plan: SamplePlan,
        pooling: str | Callable[[Tensor], Tensor] = "mean",
        head: nn.Module | None = None,
        network: NetworkPlan | None = None,
        evidence: TaskEvidence | None = None,
    ) -> None:
        self.plan = plan
        self.network = network or NetworkPlan({})
        self.evidence = evidence or TaskEvidence()
        self.skipped: dict[str, str] = {}
        self.views = self.network.views
        self.layers = dict(layers)
        self._names: dict[int, str] = {}
        for name, module in layers.items():
            self._names.setdefault(id(module), name)
        self._head = head
        self._logits = KeptRows()
        self._input_marks = KeptRows()
        self._pooling = pooling
        self._handle: RemovableHandle | None = None
        self._buffers: dict[str, KeptRows] = {}
        self._widths: dict[str, int] = {}
        self._num_batches = 0
        self._open = False

    def __enter__(self) -> ActivationTap:
        self._handle = register_module_forward_hook(self._see)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the hook; captured rows remain available."""
        self._open = False
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def open_batch(self, batch: object) -> None:
        """Draw the examples of the batch to keep, and start capturing."""
        count, self._owners = self.network.counter.count(batch)
        parts = parts_of(batch)
        self._parts = [part.parts_per_example(count) for part in parts]
        examples, slots = self.plan.offer(count)
        views = torch.arange(self.views)
        if self.views in self._parts:  # the batch has the views of each example side by side
            self._rows = (examples[:, None] * self.views + views[None, :]).flatten()
        else:
            self._rows = (views[None, :] * count + examples[:, None]).flatten()
        self._slots = (slots[:, None] * self.views + views[None, :]).flatten()
        self._num_rows = count * self.views
        self._mask = attention_mask(batch)
        self._marks = mark_examples(parts, count, examples)
        if self._marks is not None and self.views > 1:
            self._marks = (self._marks + views[None, :] * 0x9E3779B97F4A7C1).reshape(-1, 1)
        self.evidence.open_batch(parts, count)
        self._caught: dict[str, Tensor] = {}
        self._caught_logits: Tensor | None = None
        self._called: set[str] = set()
        self._open = len(examples) > 0

    def close_batch(self) -> None:
        """Store the rows captured from all layers in their slots."""
        if not self._open:
            return
        self._open = False
        self._num_batches += 1
        for name in self.layers.keys() - self.skipped.keys() - self._caught.keys():
            self.skipped[name] = f"not called in sampled batch {self._num_batches}"
        for name, rows in self._caught.items():
            if name not in self.skipped:
                self._store(self._buffers.setdefault(name, KeptRows()), rows)
        self._store(self._logits, self._caught_logits)
        self._store(self._input_marks, self._marks)

    def samples(self) -> dict[str, Tensor]:
        """Return name -> ``[samples, units]`` of the layers captured in every batch."""
        return {name: self._buffers[name].read(self._num_kept()) for name in self.layers if self._readable(name)}

    def units(self) -> dict[str, Tensor]:
        """Return name -> int64 indices of the units in `samples`."""
        return {name: self.plan.units(self._widths[name]) for name in self.layers if self._readable(name)}

    def widths(self) -> dict[str, int]:
        """Return name -> number of units of the layer."""
        return {name: self._widths[name] for name in self.layers if self._readable(name)}

    def logits(self) -> Tensor:
        """Return the head's outputs for the same rows: float32 ``[samples, classes]``, with 0 classes if unread."""
        return self._logits.read(self._num_kept())

    def input_marks(self) -> Tensor:
        """Return a hash per input: int64 ``[samples, 1]`` on the CPU, with 0 columns if the inputs were unreadable."""
        return self._input_marks.read(self._num_kept())

    def places(self) -> Tensor | None:
        """Return the place of each example in the stream, int64 ``[samples]``; None if it cannot be known."""
        is_counted_by_user = self.network.counter.examples is not None
        return None if is_counted_by_user or self.views > 1 else self.plan.places

    def task(self) -> tuple[str, str]:
        """Return the task of the network, as far as its batches show it, and what this rests on."""
        return self.evidence.conclude()

    def see(self, module: nn.Module, output: object) -> None:
        """Capture the output of a module, if it is a tapped one; during a batch the hook calls this."""
        if not self._open:
            return
        if module is self._head:
            self._read_logits(output)
        name = self._names.get(id(module))
        if name is None or name in self._called or name in self.skipped:
            return
        self._called.add(name)
        try:
            self._caught[name] = self._read(name, module, output)
        except Exception as fault:  # a fault in one output must not stop the network's own work
            self.skipped[name] = f"{fault}" or type(fault).__name__

    def _see(self, module: nn.Module, inputs: object, output: object) -> None:
        self.see(module, output)

    def _num_kept(self) -> int:
        return self.plan.num_kept * self.views

    def _readable(self, name: str) -> bool:
        return name in self._buffers and name not in self.skipped

    def _store(self, buffer: KeptRows, rows: Tensor | None) -> None:
        buffer.write(rows, self._slots, self._num_kept(), self.plan.max_samples * self.views)

    def _read_logits(self, output: object) -> None:
        if self._caught_logits is not None:
            return
        # As with layers, a fault in the output must not stop the network's own work.
        with suppress(Exception):
            for logits in leaf_tensors(output):
                is_table = logits.ndim == 2 and len(logits) == self._num_rows and 2 <= logits.shape[1] <= _MAX_CLASSES
                if is_table and logits.is_floating_point():
                    self.evidence.see_logits(logits.detach())
                    self._caught_logits = logits.detach()[self._rows.to(logits.device)].float()
                    return

    @torch.no_grad()
    def _read(self, name: str, module: nn.Module, output: object) -> Tensor:
        if isinstance(output, PooledRows):
            return self._units_of(name, output.rows[self._rows])
        shape = activation_of(output, module).shape if not _is_nested(output) else ()
        layout = layout_of(
            module, shape, self._num_rows, is_time_first=self.network.is_time_first or None, parts=self._parts
        )
        rows = pool_rows(
            output,
            module,
            self._rows,
            self._num_rows,
            pooling=self._pooling,
            mask=self._mask,
            layout=layout if shape else None,
            owners=self._owners,
        )
        return self._units_of(name, rows)

    def _units_of(self, name: str, rows: Tensor) -> Tensor:
        width = self._widths.setdefault(name, rows.shape[1])
        if rows.shape[1] != width:
            raise UsageValueError(
                f"it has {rows.shape[1]} units in one batch and {width} in another; pool its positions"
            )
        return rows if width <= self.plan.max_units else rows[:, self.plan.units(width).to(rows.device)]


def _is_nested(output: object) -> bool:
    return any(tensor.is_nested for tensor in leaf_tensors(output)[:1])
