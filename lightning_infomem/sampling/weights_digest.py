"""A digest of the weights of a network, by which a report is recognised as theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b

import torch
from torch import Tensor, nn

from lightning_infomem.sampling.layers import clean_name

__all__ = ["differing_weights", "non_finite_weights", "weights_digest"]

_BLOCKS, _BLOCK = 16, 256  # of a larger tensor, this many blocks of values are read: a file is not read as a whole
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_SHARDED = "_fsdp_wrapped_module"  # in the names of networks whose parameters may be parts of the true ones


def weights_digest(model: nn.Module) -> Tensor | None:
    """Digest the floating-point parameters of a network, bit by bit; of a large one, evenly chosen values.

    The digest does not depend on the device, on memory layout, or on the wrappers of `torch.compile` and DDP. Buffers
    are left out, because some change in evaluation; and so are parameters that are not trained, as those of a teacher
    that follows the network from epoch to epoch, unless none is.

    Args:
        model: Network whose parameters are whole on this process.

    Returns:
        A digest of the name and one of the values of each parameter, int64 ``[parameters, 2]``; None if the parameters
        are sharded over processes, or if there are none.

    Cost:
        At most 4096 values are copied from each parameter: some milliseconds for 100 parameters.
    """
    parameters = dict(model.named_parameters(remove_duplicate=False))
    if any(_SHARDED in name for name in parameters):
        return None
    trained = {name: parameter for name, parameter in parameters.items() if parameter.requires_grad}
    rows = list(_digests(trained or parameters).values())
    return torch.tensor(rows, dtype=torch.int64) if rows else None


def differing_weights(weights: Mapping[str, object], digest: Tensor) -> list[str]:
    """Name the weights of a checkpoint that are not those of a digest.

    Only weights of which the digest has the name are compared, since checkpoints also hold buffers and may lack frozen
    weights. If there is no such name, as after a common prefix was taken away, the values are compared without names.

    Args:
        weights: Name -> tensor of a checkpoint; anything else is ignored.
        digest: Digest from `weights_digest`.

    Returns:
        Names of the weights that differ; empty too if nothing can be compared.
    """
    known = dict(digest.tolist())
    found = _digests(weights)
    shared = {name: values for name, (mark, values) in found.items() if mark in known}
    if shared:
        return [name for name, values in shared.items() if values != known[found[name][0]]]
    return [] if {*known.values()} <= {values for _, values in found.values()} else list(found)


def non_finite_weights(weights: Mapping[str, object]) -> list[str]:
    """Name the weights that hold NaN or infinity among the values that `weights_digest` reads.

    Tensors of zeros and infinities alone are none of them: these are masks, or extremes that were not met yet.
    """
    return [name for name, values in _samples(weights) if not _is_finite(values.double())]


def _is_finite(values: Tensor) -> bool:
    # The sum of finite weights stays far from the limits of float64, and is quicker than a test of each value.
    return bool(values.sum().isfinite()) or bool((values.isinf() | (values == 0)).all())


def _digests(weights: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    """Map each name to the digests of the cleaned name and of the values."""
    digests = {}
    for name, values in _samples(weights):
        bits = values.view(_BITS[values.element_size()]).numpy().tobytes()
        kind = f"{values.dtype} {tuple(weights[name].shape)}"  # type: ignore[attr-defined]
        digests[name] = (_number(clean_name(name).encode()), _number(kind.encode() + bits))
    return digests


def _samples(weights: Mapping[str, object]) -> Iterator[tuple[str, Tensor]]:
    """Yield name and chosen values of each plain floating-point tensor, on the CPU."""
    for name, tensor in weights.items():
        # Subclasses are parts of sharded tensors, quantized, or not yet materialised.
        if isinstance(tensor, Tensor) and type(tensor) in (Tensor, nn.Parameter) and _has_values(tensor):
            yield name, _chosen(tensor.detach()).cpu()


def _has_values(tensor: Tensor) -> bool:
    is_dense = tensor.layout is torch.strided and not tensor.is_meta
    return is_dense and tensor.is_floating_point() and tensor.numel() > 0


def _chosen(tensor: Tensor) -> Tensor:
    """Return all values of a small tensor, or blocks of values from the first to the last, in logical order."""
    count = tensor.numel()
    if count <= _BLOCKS * _BLOCK:
        return tensor.reshape(-1)
    step = (count - _BLOCK) // (_BLOCKS - 1)
    if tensor.is_contiguous():
        return tensor.view(-1).as_strided((_BLOCKS, _BLOCK), (step, 1), tensor.storage_offset()).reshape(-1)
    # By place in each dimension, since a flat view of a channels-last tensor would copy all of it. Integers, since not
    # every floating-point type can be indexed.
    places = torch.arange(_BLOCKS, device=tensor.device)[:, None] * step + torch.arange(_BLOCK, device=tensor.device)
    bits = tensor.view(_BITS[tensor.element_size()])
    return bits[torch.unravel_index(places.flatten(), tensor.shape)].view(tensor.dtype)


def _number(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little", signed=True)
