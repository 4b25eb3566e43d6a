"""Names of layers that fit beside a figure."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["shorten_layer_names"]

_LONGEST, _START = 24, 8  # characters of a name, and how many of its start stay where the middle is left out


def shorten_layer_names(names: Sequence[str]) -> list[str]:
    """Names that fit: where one is long, all without the parts that all begin with, and then without their middle.

    Args:
        names: at least one.

    Returns:
        One name a layer, in the same order, of at most 24 characters; two may then be alike.

    >>> shorten_layer_names(["model.encoder.layers.0.linear", "model.encoder.layers.1.linear"])
    ['…0.linear', '…1.linear']
    """
    if max(map(len, names)) > _LONGEST:
        parts = [name.split(".") for name in names]
        shared = 0
        while all(len(part) > shared + 1 for part in parts) and len({part[shared] for part in parts}) == 1:
            shared += 1
        if shared:
            names = ["…" + ".".join(part[shared:]) for part in parts]
    end = _LONGEST - _START - 1
    return [name if len(name) <= _LONGEST else f"{name[:_START]}…{name[-end:]}" for name in names]
