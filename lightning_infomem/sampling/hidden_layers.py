"""Tells the hidden layers of a network from its outputs, by the calls that were recorded on a batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod
from typing import NamedTuple

from torch import Tensor

from lightning_infomem.sampling.batches import Part
from lightning_infomem.sampling.blocks import find_blocks
from lightning_infomem.sampling.calls import Call, CallRecorder
from lightning_infomem.sampling.layers import holds_weights

__all__ = ["SortedCalls", "sort_calls"]


class SortedCalls(NamedTuple):
    """The calls of a network on a batch, in order: all, hidden layers, hidden blocks, and the layer that ends last."""

    called: list[Call]
    layers: list[Call]
    blocks: list[Call]
    final: Call | None


def sort_calls(recorder: CallRecorder, parts: Sequence[Part], trained: Collection[int] | None = None) -> SortedCalls:
    """Tell hidden layers and blocks from outputs.

    Outputs are: the layer with weights that ends last; what is returned by the network and not used by another module;
    the ends of branches beside the one that ends last, which start from the same tensor or from the batch; and the ends
    of parts of the network that have the size of an input, such as the image of a generator.

    Args:
        recorder: What was called.
        parts: Parts of the batch.
        trained: Ids of the parameters that are trained; by default those that require gradients. Modules without any
            count only if no hidden layer is trained.
    """
    called = recorder.calls()
    found = _sort([call for call in called if _is_trained(call, trained)], recorder, parts)
    return found if found.layers or found.blocks else _sort(called, recorder, parts)


def _sort(counted: list[Call], recorder: CallRecorder, parts: Sequence[Part]) -> SortedCalls:
    called = recorder.calls()
    weights = _outermost([call for call in counted if call.name and holds_weights(call.module)])
    if not weights:
        return SortedCalls(called, [], [], None)
    final = max(weights, key=_last_end)
    outputs = {id(final)}
    returned = _returned(called)
    outputs |= {id(call) for call in counted if _is_unused(call, recorder) and returned.intersection(call.outputs)}
    for branch in _branches_beside(final, counted, recorder, parts):
        outputs.add(id(max((call for call in weights if call is branch or call.is_within(branch)), key=_end)))
    outputs |= {id(call) for call in _ends_of_input_size(weights, called, final, recorder, parts)}
    ends = [call for call in called if id(call) in outputs]
    hidden = [call for call in counted if id(call) not in outputs and not any(end.is_within(call) for end in ends)]
    kept = {id(call) for call in hidden}
    return SortedCalls(called, [call for call in weights if id(call) in kept], find_blocks(hidden, called), final)


def _end(call: Call) -> int:
    return call.end


def _last_end(call: Call) -> int:
    return call.last_end


def _outermost(calls: Sequence[Call]) -> list[Call]:
    """Leave out the parts of others: the projections of an attention layer."""
    return [call for call in calls if not any(call.is_within(other) for other in calls)]


def _is_trained(call: Call, trained: Collection[int] | None) -> bool:
    if trained is None:
        return any(parameter.requires_grad for parameter in call.module.parameters())
    return any(id(parameter) in trained for parameter in call.module.parameters())


def _top_calls(called: Sequence[Call]) -> list[Call]:
    """Return the calls of the parts of the network that hold layers: what a step called, or the one that it called."""
    holders = _holders(called)
    inner = [call for call in called if id(call) in holders]
    top = [call for call in inner if call.parent is None]
    while len(top) == 1 and (parts := [call for call in inner if call.parent is top[0]]):
        top = parts
    return top


def _returned(called: Sequence[Call]) -> set[int]:
    """Return the tensors that the network, or the last part with layers that the step called, returned."""
    ends = [call for call in called if not call.name]
    holders = _holders(called)
    ends += sorted((call for call in called if call.parent is None and id(call) in holders), key=_last_end)[-1:]
    ends += sorted(_top_calls(called), key=_last_end)[-1:]
    return {token for end in ends for token in end.outputs}


def _is_unused(call: Call, recorder: CallRecorder) -> bool:
    return not any(recorder.is_consumed(token, call) for token in call.outputs)


def _branches_beside(final: Call, counted: Sequence[Call], recorder: CallRecorder, parts: Sequence[Part]) -> list[Call]:
    """Return the calls beside the branch that ends last, whose outputs no module used.

    They got the same tensor; or the branch got nothing but tensors of the batch, so that nothing was made for it.
    """
    given = {recorder.token(part.value) for part in parts if isinstance(part.value, Tensor)}
    holders = _holders(counted)
    branches: list[Call] = []
    branch: Call | None = final
    while branch is not None and branch.name:
        starts_from_batch = bool(branch.inputs) and given.issuperset(branch.inputs)
        for call in counted:
            is_beside = call is not branch and call.parent is branch.parent and id(call) in holders
            starts_with_it = starts_from_batch or set(call.inputs[:1]) & set(branch.inputs[:1])
            if is_beside and starts_with_it and _is_unused(call, recorder):
                branches.append(call)
        branch = branch.parent
    return branches


def _holders(calls: Sequence[Call]) -> set[int]:
    """Return the ids of the calls of layers with weights, and of those within which they were made."""
    found: set[int] = set()
    for call in calls:
        each: Call | None = call if holds_weights(call.module) else None
        while each is not None:
            found.add(id(each))
            each = each.parent
    return found


def _ends_of_input_size(
    weights: Sequence[Call], called: Sequence[Call], final: Call, recorder: CallRecorder, parts: Sequence[Part]
) -> list[Call]:
    """Return the last layers of parts of the network, of two layers or more, that put out as much as an input has.

    Parts that were given as much keep the size and are no generators, unless a module that is called more than once
    gets what they put out: it judges that beside the inputs.
    """
    inputs = [tuple(part.value.shape) for part in parts if isinstance(part.value, Tensor) and part.value.ndim >= 2]
    flat = [(shape[0], prod(shape[1:])) for shape in inputs]
    ends = []
    for top in _top_calls(called):
        within = [call for call in weights if call.is_within(top)]
        if len(within) >= 2 and final not in within:
            end = max(within, key=_end)
            kept_size = prod(end.shapes[0]) in map(prod, top.input_shapes) if end.shapes else True
            is_judged = any(recorder.is_compared(token, top) for token in top.outputs)
            if (not kept_size or is_judged) and end.shapes[:1] and end.shapes[0] in (*inputs, *flat):
                ends.append(end)
    return ends
