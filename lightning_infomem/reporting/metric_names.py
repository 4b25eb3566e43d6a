"""The one place where the names of logged values are spelled."""

from __future__ import annotations

import re

__all__ = ["DEFAULT_PREFIX", "logged_name", "metric_name"]

DEFAULT_PREFIX = "infomem"


def metric_name(prefix: str, measure: str, layer: str | None = None) -> str:
    """``prefix/measure`` over all layers, ``prefix/layer/measure`` of one; of characters that every logger takes.

    >>> metric_name("infomem", "mi_mean", "encoder.layers[0]")
    'infomem/encoder.layers_0_/mi_mean'
    """
    parts = [prefix, measure] if layer is None else [prefix, layer, measure]
    return "/".join(map(logged_name, parts))


def logged_name(name: str) -> str:
    """One part of it, as of a layer.

    >>> logged_name("encoder.layers[0]")
    'encoder.layers_0_'
    """
    return re.sub(r"[^A-Za-z0-9_. -]", "_", name)
