"""Load weights into a network whose parameter names differ by a prefix, compilation, or tied weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from lightning_infomem.sampling.layers import clean_name

__all__ = ["load_weights"]


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load all weights strictly, up to known differences in names.

    Names may differ by the components that `torch.compile` and FSDP insert, and by one common prefix, such as the
    ``model.`` of a network inside a LightningModule. One of several tied weights is enough. If the names do not all
    match after that, none is adapted.

    Args:
        model: Network that receives the weights.
        weights: Name -> tensor.

    Raises:
        RuntimeError: Names or shapes do not match; the message is that of ``load_state_dict``.
    """
    wanted = {clean_name(name): name for name in model.state_dict()}
    given = {clean_name(name): value for name, value in weights.items()}
    twins = _twins(model)
    for names in _renamings(given, wanted):
        renamed = dict(zip(names, given.values(), strict=True))
        for name, tied in twins.items():
            if name not in renamed:
                renamed.update((name, renamed[twin]) for twin in tied if twin in renamed)
        if renamed.keys() == wanted.keys() and len(given) == len(weights):
            weights = {wanted[name]: value for name, value in renamed.items()}
            break
    model.load_state_dict(weights)


def _renamings(given: Mapping[str, Tensor], wanted: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield the names unchanged, without each prefix common to all given, and with each prefix common to all wanted."""
    yield list(given)
    for prefix in _prefixes(next(iter(given), "")):
        if all(name.startswith(prefix) for name in given):
            yield [name.removeprefix(prefix) for name in given]
    for prefix in _prefixes(next(iter(wanted), "")):
        if all(name.startswith(prefix) for name in wanted):
            yield [prefix + name for name in given]


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) + "." for count in range(1, len(parts))]


def _twins(model: nn.Module) -> dict[str, list[str]]:
    """Map each name of a tied parameter to all its names; safetensors keeps only one of them."""
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(clean_name(name))
    return {name: group for group in names.values() if len(group) > 1 for name in group}
