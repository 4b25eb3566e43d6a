"""Reads what a network is from one of its batches: which layers to measure, the head, the examples, the task."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from lightning_infomem.records.tasks import say_given
from lightning_infomem.sampling.batches import Part, attention_mask, leaf_tensors, likely_sizes, parts_of
from lightning_infomem.sampling.blocks import may_be_block
from lightning_infomem.sampling.calls import Call, CallRecorder
from lightning_infomem.sampling.example_rows import Examples, find_examples
from lightning_infomem.sampling.forward import evaluating, forward_batch, to_device
from lightning_infomem.sampling.hidden_layers import SortedCalls, sort_calls
from lightning_infomem.sampling.layers import holds_weights, select_layers
from lightning_infomem.sampling.layout import layout_of
from lightning_infomem.sampling.loss_watch import LossWatch
from lightning_infomem.sampling.network_plan import LayerPlan, NetworkPlan
from lightning_infomem.sampling.rows import PooledRows, activation_of, pool_rows
from lightning_infomem.sampling.task import TaskEvidence
from lightning_infomem.settings import MeasurementSettings, check_setting_names

__all__ = ["NetworkReader", "read_network"]

_MEMORY = 2**30  # bytes of outputs that are kept of the batch that is read
_LARGE = 2**24  # bytes of an output that is better pooled at once


def read_network(
    model: nn.Module,
    batch: Any,
    layers: str | type[nn.Module] | Sequence[str | type[nn.Module]] = "auto",
    *,
    forward: Callable[[nn.Module, Any], object] | None = None,
    **settings: Any,
) -> NetworkPlan:
    """Run a network once on a batch, in evaluation mode and without gradients, and tell what would be measured.

    Args:
        model: Any module; it is not changed.
        batch: One batch; see `measurement.measure`.
        layers: "auto", or names, patterns or module types; see `NetworkReader`.
        forward: How to run the network on a batch; see `measurement.measure`.
        **settings: Fields of `MeasurementSettings`, such as ``task`` and ``examples``.

    Raises:
        ValueError: A pattern matches no module, or a setting is out of its range.
        TypeError: A pattern is neither a string nor a module type, or an argument is unknown.

    >>> plan = read_network(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), torch.randn(16, 4))
    >>> plan.layers, plan.head, plan.task
    ({'0': LayerPlan(rows=16, units=8)}, '2', 'assumed')
    """
    check_setting_names(settings, read_network)
    reader = NetworkReader(model, layers, MeasurementSettings(**settings))
    parameter = next(iter(model.parameters()), None)
    moved = batch if parameter is None else to_device(batch, parameter.device)
    with evaluating(model), torch.no_grad(), reader:
        reader.open_batch(moved)
        (forward or forward_batch)(model, moved)
        return reader.read()


class NetworkReader:
    """Watches a network while it runs on one batch, and then tells what it is; a context manager.

    The layers "auto" are the blocks of the network, if it has any (see `find_blocks`), else its linear, convolution
    and recurrent layers, in the order of the calls. Neither has modules that put out what the network returns, or that
    hold one that does. Parts that are not trained, such as averaged copies, teachers and perceptual networks, count
    only if no hidden layer is trained.

    These layers are measured before the nonlinearity, because entropy after a ReLU mostly reflects sparsity. In the
    reproduction of the paper, its tau with generalisation on Shuffled MNIST falls from 1.00 before to .80 after the
    ReLU, where layers also contradict one another; the tau of mutual information is the same in both places.

    Args:
        model: Network to watch.
        layers: "auto", or names, patterns or module types. A pattern or type that also matches the head leaves it out;
            its name alone selects it.
        settings: Settings of the measurement: task, examples and pooling count here.
        trained: Ids of the parameters that are trained; by default those that require gradients.
        keep: Whether to keep copies of the outputs of layers that may be chosen, so that the rows of this batch are not
            lost.

    Attributes:
        kept: Name -> copy of the output of each module that may be chosen.
        evidence: What the batch told of the task.

    Raises:
        ValueError: A pattern matches no module.
        TypeError: A pattern is neither a string nor a module type.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Any = "auto",
        settings: MeasurementSettings | None = None,
        *,
        trained: Collection[int] | None = None,
        keep: bool = False,
    ) -> None:
        self._model, self._layers, self._settings = model, layers, settings or MeasurementSettings()
        self._trained, self._keep, self._memory = trained, keep, _MEMORY
        self._asked = None if layers == "auto" else select_layers(model, layers)
        self._recorder = CallRecorder(model, self._see)
        self._losses = LossWatch()
        self._is_watching = False
        self._batch: object = None
        self._parts: list[Part] = []
        self._outputs: dict[str, tuple[int, ...]] = {}  # name -> shape of the activations
        self._tables: dict[str, list[Tensor]] = {}  # name -> copies of outputs that may be logits
        self.kept: dict[str, object] = {}
        self.evidence = TaskEvidence()

    def __enter__(self) -> NetworkReader:
        self._recorder.__enter__()
        self._losses.open()
        self._is_watching = True
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching."""
        if self._is_watching:
            self._is_watching = False
            self._recorder.close()
            self._losses.close()

    def open_batch(self, batch: object) -> None:
        """Take note of the batch that the network runs on next."""
        self._batch, self._parts = batch, parts_of(batch)

    def read(self) -> NetworkPlan:
        """Return what was seen of the network.

        Raises:
            Exception: What failed while it was watched.
        """
        self.close()
        if self._recorder.fault is not None:
            raise self._recorder.fault
        sorted_calls = sort_calls(self._recorder, self._parts, self._trained)
        hidden = self._chosen(sorted_calls)
        final = sorted_calls.final
        shown = [(call.module, self._outputs[call.name]) for call in hidden if call.name in self._outputs]
        if final is not None and final.name in self._outputs:
            shown.append((final.module, self._outputs[final.name]))
        found = find_examples(self._batch, self._parts, shown, self._settings.examples)
        head = self._head(final, found)
        logits = None if head is None else self._table(head, found)
        num_classes = 0 if logits is None else logits.shape[1]
        if head is not None and self._asked is not None:
            hidden = [call for call in hidden if call is not head or self._is_named(head.name)]
        layers, left_out = self._plans(hidden, found)
        if self._asked is not None:
            called = {call.name for call in hidden} | {head.name if head is not None else ""}
            left_out |= {name: "not called" for name in self._asked if name not in called}
        self.evidence = TaskEvidence(self._model, num_classes, assume=not hasattr(self._model, "training_step"))
        self.evidence.see_losses(self._losses.seen)
        if logits is not None and not self._keep:
            self.evidence.open_batch(self._parts, found.num_examples)
            self.evidence.see_logits(logits)
        plan = NetworkPlan(
            layers=layers,
            head=None if head is None else head.name,
            num_classes=num_classes,
            settings=self._settings,
            examples=found.num_examples,
            views=found.views,
            left_out=left_out,
            counter=found.counter,
            is_time_first=found.is_time_first,
            modules={call.name: call.module for call in [*hidden, *([head] if head else [])]},
        )
        task = self._settings.task
        return plan.with_task(*(self.evidence.conclude() if task == "auto" else (task, say_given(task))))

    def _chosen(self, calls: SortedCalls) -> list[Call]:
        if self._asked is None:
            return calls.blocks if self._readable(calls.blocks) else calls.layers
        asked = {id(module) for module in self._asked.values()}
        return [call for call in calls.called if id(call.module) in asked]

    def _readable(self, calls: Sequence[Call]) -> bool:
        return any(call.name in self._outputs for call in calls)

    def _is_named(self, name: str) -> bool:
        patterns = [self._layers] if isinstance(self._layers, (str, type)) else list(self._layers)
        return name in patterns or (self._asked is not None and list(self._asked) == [name])

    def _head(self, final: Call | None, found: Examples) -> Call | None:
        """Return the final layer if it is linear, else the first module after it that puts out a table."""
        if final is None:
            return None
        rows = found.num_examples * found.views
        if self._outputs.get(final.name, ())[:1] == (rows,) and len(self._outputs[final.name]) == 2:
            return None if self._table(final, found) is None else final
        later = [call for call in self._recorder.calls() if call.end >= final.end]
        tables = [call for call in later if self._table(call, found) is not None]
        return min(tables, key=lambda call: call.end, default=None)

    def _table(self, call: Call, found: Examples) -> Tensor | None:
        """Return what a module put out as a row of two or more values for each example."""
        rows = found.num_examples * found.views
        tables = self._tables.get(call.name, [])
        return next((table for table in tables if len(table) == rows and table.shape[1] >= 2), None)

    def _plans(self, hidden: Sequence[Call], found: Examples) -> tuple[dict[str, LayerPlan], dict[str, str]]:
        rows = found.num_examples * found.views
        counts = [part.parts_per_example(found.num_examples) for part in self._parts]
        plans: dict[str, LayerPlan] = {}
        left_out: dict[str, str] = {}
        owners = found.counter.count(self._batch)[1]
        for call in hidden:
            shape = self._outputs.get(call.name)
            if not shape:
                left_out[call.name] = "its output holds no tensor of floating-point numbers with rows"
                continue
            layout = layout_of(call.module, shape, rows, is_time_first=found.is_time_first or None, parts=counts)
            is_owned = owners is not None and len(shape) == 2 and shape[0] == len(owners)
            if shape[layout.example_axis] != rows * layout.parts and not is_owned:
                left_out[call.name] = f"its output {list(shape)} has no row for each of the {rows} examples"
                continue
            rest = [*shape[: layout.example_axis], *shape[layout.example_axis + 1 :]]
            units = 1 if not rest else rest[-1] if layout.units_last else rest[0]
            plans[call.name] = LayerPlan(rows, units)
        return plans, left_out

    def _see(self, call: Call, output: object) -> None:
        tensors = leaf_tensors(output)
        self._tables[call.name] = [
            each.detach().clone()
            for each in tensors
            if not each.is_nested and each.ndim == 2 and each.is_floating_point()
        ]
        try:
            tensor = activation_of(output, call.module)
        except TypeError:
            return
        self._outputs[call.name] = (tensor.size(0), 0, tensor.size(-1)) if tensor.is_nested else tuple(tensor.shape)
        if self._keep:
            kept = self._copy(call, tensor) if self._may_be_chosen(call) else self._tables[call.name]
            if kept is not None:
                self.kept[call.name] = kept

    def _may_be_chosen(self, call: Call) -> bool:
        if self._asked is not None:
            return any(module is call.module for module in self._asked.values())
        return holds_weights(call.module) or may_be_block(call.module)

    def _copy(self, call: Call, tensor: Tensor) -> object:
        """Copy an output; a large one only as pooled rows, if the batch tells the number of examples."""
        size = tensor.numel() * tensor.element_size()
        count = next(iter(likely_sizes(self._parts)), 0)
        if size > _LARGE and not tensor.is_nested and tensor.ndim > 2 and len(tensor) == count:
            with suppress(ValueError):
                mask = attention_mask(self._batch)
                rows = pool_rows(
                    tensor, call.module, torch.arange(count), count, pooling=self._settings.pooling, mask=mask
                )
                return PooledRows(rows)
        self._memory -= size
        return tensor.detach().clone() if self._memory >= 0 else None
