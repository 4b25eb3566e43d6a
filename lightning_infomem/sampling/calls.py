"""Records which modules of a network are called on a batch, in which order, and what they put out."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import torch
from torch import Tensor, nn
from torch.nn.modules import module as all_modules
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle

from lightning_infomem.sampling.batches import leaf_tensors
from lightning_infomem.sampling.layers import clean_name

__all__ = ["Call", "CallRecorder"]


@dataclass
class Call:
    """The first call of a module on a batch.

    Attributes:
        name: Dotted name; "" for the network itself.
        module: The module.
        start: Place among the starts and ends of all calls.
        parent: Call within which this one was made; None at the top.
        inputs: Numbers that identify the tensors that went in.
        input_shapes: Their shapes; () for a nested tensor.
        outputs: Numbers that identify the tensors that came out, in order.
        shapes: Their shapes.
        end: Place of its end among them; -1 while the call lasts, or if it failed.
        last_end: Place of the end of the last call of the module.
    """

    name: str
    module: nn.Module
    start: int
    parent: Call | None
    inputs: tuple[int, ...] = ()
    input_shapes: tuple[tuple[int, ...], ...] = ()
    outputs: tuple[int, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    end: int = -1
    last_end: int = -1

    def is_within(self, other: Call) -> bool:
        """Whether this call was made within another."""
        parent = self.parent
        while parent is not None and parent is not other:
            parent = parent.parent
        return parent is other


class CallRecorder:
    """Records the calls of a network's modules while it runs; a context manager.

    The hooks are global and see every module, so nothing is attached to the network: it can be pickled and copied
    meanwhile, and scripted modules, which take no hooks, are seen as well.

    Args:
        model: Network to watch.
        see: Function that gets each recorded call with the module's output, while the output is unchanged.

    Attributes:
        fault: What failed while recording, which ended with it; None if nothing did.
    """

    def __init__(self, model: nn.Module, see: Callable[[Call, object], None] | None = None) -> None:
        self._names = {id(module): (clean_name(name), module) for name, module in model.named_modules()}
        self._see = see
        self.fault: Exception | None = None
        self._calls: dict[int, Call] = {}
        self._open: list[Call] = []  # the calls that last
        self._clock = 0
        self._tokens: dict[int, tuple[weakref.ref[Tensor], int]] = {}
        self._num_tokens = 0
        self._uses: list[tuple[int, Call]] = []  # the tensors that went into calls, the repeated ones too
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> CallRecorder:
        self._handles = [
            register_module_forward_pre_hook(self._begin),
            register_module_forward_hook(self._finish, with_kwargs=True),
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the hooks; what was recorded remains."""
        for handle in self._handles:
            handle.remove()
            # Torch forgets to take this entry out (2.13), and would treat every later call as hooked.
            getattr(all_modules, "_global_forward_hooks_with_kwargs", {}).pop(handle.id, None)
        self._handles.clear()
        self._see = None  # so that whoever sees the calls and holds the recorder is freed at once, with the network

    def calls(self) -> list[Call]:
        """Return the first call of each module that was called and returned, in the order of their starts."""
        return sorted((call for call in self._calls.values() if call.end >= 0), key=lambda call: call.start)

    def token(self, tensor: Tensor) -> int:
        """Return the number of a tensor object. A tensor that is gone gives its place in memory to another."""
        known = self._tokens.get(id(tensor))
        if known is None or known[0]() is not tensor:
            self._num_tokens += 1
            known = weakref.ref(tensor), self._num_tokens
            self._tokens[id(tensor)] = known
        return known[1]

    def is_consumed(self, token: int, after: Call) -> bool:
        """Whether a tensor went into a module that was called after another call had ended."""
        return any(
            token == used and call.start > after.start and not call.is_within(after) for used, call in self._uses
        )

    def is_compared(self, token: int, after: Call) -> bool:
        """Whether a tensor went into a module that was called after another call had ended, and more than once."""
        modules = {id(call.module) for used, call in self._uses if used == token and call.start > after.end}
        starts = {(id(call.module), call.start) for _, call in self._uses if id(call.module) in modules}
        return len(starts) > len(modules)

    def _begin(self, module: nn.Module, inputs: object) -> None:
        if id(module) not in self._names:
            return
        name, known = self._names[id(module)]
        if known is not module:
            return
        self._clock += 1
        self._open.append(Call(name, module, self._clock, self._open[-1] if self._open else None))

    def _finish(self, module: nn.Module, args: object, kwargs: object, output: object) -> None:
        if id(module) in self._names:
            try:
                self._record(module, args, kwargs, output)
            except Exception as fault:  # it must not stop the network's own work
                self.fault = fault
                self.close()

    def _record(self, module: nn.Module, args: object, kwargs: object, output: object) -> None:
        while self._open and self._open[-1].module is not module:  # calls that failed within
            self._open.pop()
        if self._open:
            call = self._open.pop()
        elif not self._names[id(module)][0]:
            call = Call("", module, 0, None)  # the network itself, whose call had begun before
        else:
            return
        given = [*leaf_tensors(args), *leaf_tensors(kwargs)]
        call.inputs, call.input_shapes = tuple(map(self.token, given)), tuple(map(_shape, given))
        self._uses += [(token, call) for token in call.inputs]
        leaves = leaf_tensors(output)
        call.outputs = tuple(map(self.token, leaves))
        call.shapes = tuple(map(_shape, leaves))
        self._clock += 1
        call.end = self._clock
        first = self._calls.setdefault(id(module), call)
        first.last_end = self._clock
        if first is call and self._see is not None:
            with torch.no_grad():
                self._see(call, output)


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return () if tensor.is_nested else tuple(tensor.shape)
