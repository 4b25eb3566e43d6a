"""Weights into a network that may call them by other names: with a prefix more or less, compiled, or tied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from lightning_infomem.sampling.layers import clean_name

__all__ = ["load_weights"]


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load all weights, strictly.

    Names may differ by what `torch.compile` and FSDP insert, and by one prefix common to all of them, such as the
    ``model.`` of a network inside a LightningModule; of weights that are tied one is enough. Where even so not all
    names fit exactly, nothing is adapted.

    Args:
        model: gets the weights.
        weights: name -> tensor.

    Raises:
        RuntimeError: names or shapes do not fit; the message is that of ``load_state_dict``.
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
    """As they are; without a prefix that all have; with a prefix that all should have."""
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
    """Name of a tied parameter -> the names of the same parameter elsewhere; safetensors keeps but one of them."""
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(clean_name(name))
    return {name: group for group in names.values() if len(group) > 1 for name in group}
