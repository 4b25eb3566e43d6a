"""Finds the blocks of a network: repeated modules of one class of their own, such as residual or transformer blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from lightning_infomem.sampling.calls import Call
from lightning_infomem.sampling.layers import holds_weights

__all__ = ["find_blocks", "may_be_block"]

# Containers say nothing about what they hold, so that two of one class are no repetition.
_GENERIC = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_DIGITS = "0123456789"


def find_blocks(calls: Sequence[Call], called: Sequence[Call]) -> list[Call]:
    """Return the calls of the blocks, in the order of the calls.

    A block has a class of its own, at least two layers with weights, and a twin of the same class. Of modules within
    one another the outer ones are the blocks, unless they are stacks: modules that run a list of blocks one after the
    other, as the encoder and the decoder of T5 do, or the stages of Swin.

    Args:
        calls: Calls of the modules that may be hidden, in order: no outputs of the network, and none that hold them.
        called: All calls. A block of a numbered list needs no twin that may be hidden: the last one may be the output.
    """
    candidates = [call for call in calls if call.name and may_be_block(call.module)]
    by_class: dict[type, list[Call]] = defaultdict(list)
    for call in candidates:
        if not any(call.is_within(other) for other in by_class[type(call.module)]):
            by_class[type(call.module)].append(call)
    repeated = {kind: found for kind, found in by_class.items() if len(found) >= 2 or _is_numbered(found[0], called)}
    everything = [call for found in repeated.values() for call in found]
    stacks = {
        type(outer.module)
        for outer in everything
        if any(
            _runs_one_after_another(outer, found) for kind, found in repeated.items() if kind is not type(outer.module)
        )
    }
    blocks = [call for call in everything if type(call.module) not in stacks]
    kinds = {type(call.module) for call in blocks}
    holders = [call for call in called if type(call.module) in kinds]  # also those that are outputs
    outermost = [call for call in blocks if not any(call.is_within(other) for other in holders)]
    return sorted(outermost, key=lambda call: call.start)


def may_be_block(module: nn.Module) -> bool:
    """Whether a module has a class of its own and at least two layers with weights."""
    if type(module) in _GENERIC or holds_weights(module):
        return False
    weights = [part for part in module.modules() if holds_weights(part)]
    inner = {id(child) for part in weights for child in part.modules() if child is not part}
    return sum(id(part) not in inner for part in weights) >= 2


def _is_numbered(call: Call, called: Sequence[Call]) -> bool:
    """Whether a call is of an entry of a list, in which another one of its class stands."""
    place, _, number = call.name.rpartition(".")
    return number.isdigit() and any(
        other is not call and type(other.module) is type(call.module) and other.name.rpartition(".")[0] == place
        for other in called
    )


def _runs_one_after_another(outer: Call, found: Sequence[Call]) -> bool:
    """Whether a call ran at least two of the found ones directly, each on what the one before put out."""
    within = [call for call in found if call.is_within(outer)]
    return any(
        set(first.outputs[:1]) & set(second.inputs) and _stand_in_one_list(first, second, outer)
        for first, second in pairwise(within)
    )


def _stand_in_one_list(first: Call, second: Call, outer: Call) -> bool:
    """Whether two parts have one name but for a number, and stand in a container or end what the outer one puts out.

    Parts with names of their own make up a block, whatever they stand in.
    """
    if first.name.rstrip(_DIGITS) != second.name.rstrip(_DIGITS):
        return False
    is_contained = second.name.rpartition(".")[2].isdigit() or isinstance(outer.module, _GENERIC)
    return is_contained or second.outputs[:1] == outer.outputs[:1]
