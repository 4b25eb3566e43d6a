"""Forward hooks that catch activations, as a context manager: whatever happens, none stays behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from lightning_infomem.sampling.rows import attention_mask, num_examples, pool_rows
from lightning_infomem.sampling.samples import SamplePlan

__all__ = ["ActivationTap"]


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
    """

    def __init__(
        self, layers: Mapping[str, nn.Module], plan: SamplePlan, pooling: str | Callable[[Tensor], Tensor] = "mean"
    ) -> None:
        self.plan = plan
        self.skipped: dict[str, str] = {}
        self._layers = dict(layers)
        self._pooling = pooling
        self._handles: list[RemovableHandle] = []
        self._buffers: dict[str, Tensor] = {}
        self._widths: dict[str, int] = {}
        self._num_batches = 0
        self._open = False

    def __enter__(self) -> ActivationTap:
        for name, module in self._layers.items():
            self._handles.append(module.register_forward_hook(self._hook(name)))
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
        self._caught: dict[str, Tensor] = {}
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
                self._store(name, rows)

    def samples(self) -> dict[str, Tensor]:
        """Name -> ``[samples, units]`` of the layers that were caught in every batch."""
        kept = self.plan.num_kept
        return {name: self._buffers[name][:kept] for name in self._layers if self._readable(name)}

    def units(self) -> dict[str, Tensor]:
        """Name -> int64 indices of the units that `samples` holds."""
        return {name: self.plan.units(self._widths[name]) for name in self._layers if self._readable(name)}

    def widths(self) -> dict[str, int]:
        """Name -> units that the layer has."""
        return {name: self._widths[name] for name in self._layers if self._readable(name)}

    def _readable(self, name: str) -> bool:
        return name in self._buffers and name not in self.skipped

    def _store(self, name: str, rows: Tensor) -> None:
        buffer = self._buffers.get(name)
        if buffer is None or len(buffer) < self.plan.num_kept:
            # Grown by doubling: a small validation set does not pay for max_samples.
            size = min(self.plan.max_samples, max(self.plan.num_kept, 2 * len(buffer) if buffer is not None else 0))
            grown = rows.new_zeros((size, rows.shape[1]))
            if buffer is not None:
                grown[: len(buffer)] = buffer
            buffer = self._buffers[name] = grown
        buffer[self._slots.to(buffer.device)] = rows.to(buffer.device)

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

    @torch.no_grad()
    def _read(self, name: str, module: nn.Module, output: object) -> Tensor:
        rows = pool_rows(output, module, self._rows, self._num_rows, pooling=self._pooling, mask=self._mask)
        width = self._widths.setdefault(name, rows.shape[1])
        if rows.shape[1] != width:
            raise ValueError(f"it has {rows.shape[1]} units in one batch and {width} in another; pool its positions")
        return rows if width <= self.plan.max_units else rows[:, self.plan.units(width).to(rows.device)]
