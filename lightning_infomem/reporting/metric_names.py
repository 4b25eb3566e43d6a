"""The one place where the names of logged values are spelled."""

from __future__ import annotations

import re

__all__ = ["DEFAULT_PREFIX", "metric_name"]

DEFAULT_PREFIX = "infomem"


def metric_name(prefix: str, measure: str, layer: str | None = None) -> str:
    """``prefix/measure`` over all layers, ``prefix/layer/measure`` of one; of characters that every logger takes.

    >>> metric_name("infomem", "mi_mean", "encoder.layers[0]")
    'infomem/encoder.layers_0_/mi_mean'
    """
    parts = [prefix, measure] if layer is None else [prefix, layer, measure]
    return "/".join(re.sub(r"[^A-Za-z0-9_. -]", "_", part) for part in parts)
