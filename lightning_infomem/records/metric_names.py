"""The one place where the names of logged values are spelled."""

from __future__ import annotations

import re

__all__ = ["DEFAULT_PREFIX", "OVERVIEW_MEASURES", "logged_name", "metric_name", "overview_name"]

DEFAULT_PREFIX = "infomem"

# Measure -> its name in the first group of TensorBoard.
OVERVIEW_MEASURES = {"entropy_mean": "entropy in nats", "mi_mean": "mutual information in nats"}


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


def overview_name(prefix: str, what: str) -> str:
    """A name in the group that TensorBoard shows first.

    TensorBoard sorts groups by their characters, opens the first ones, and knows no other way to say which these are.
    The space in front, which no browser shows, stands before every letter: "Accuracy", "Loss" and "epoch" come behind.

    >>> overview_name("infomem", "entropy in nats"), overview_name("probe", "entropy in nats")
    (' Memorization/entropy in nats', ' Memorization probe/entropy in nats')
    """
    group = " Memorization" if prefix == DEFAULT_PREFIX else f" Memorization {logged_name(prefix)}"
    return f"{group}/{what}"
