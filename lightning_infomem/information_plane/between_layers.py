"""Flags that need all layers of a plane: estimates that violate the data-processing inequality."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from lightning_infomem.information_plane.plane_point import PlanePoint

__all__ = ["flag_between_layers"]

_TOLERANCE = 1e-9  # nats
_MEANING = (
    "a layer computed from that layer alone cannot gain information; binning, noise or the estimator causes the excess"
)
_VALUES = {"I(X;T)": ("input_information", "input_kind"), "I(T;Y)": ("label_information", "label_kind")}


def flag_between_layers(points: Mapping[str, Mapping[str, PlanePoint]]) -> dict[str, dict[str, PlanePoint]]:
    """Flag points whose information exceeds that of an earlier layer.

    By the data-processing inequality, a layer computed from an earlier layer alone has no more information about X
    or Y than that layer. Estimates can violate this because of binning, added noise, chance, or because the method
    measures something else. A violation between two bounds means nothing, so bounds are not flagged.

    Args:
        points: Layer name -> estimator name -> point, in network order.

    Returns:
        The same points; a point that exceeds any earlier layer by the same estimator has the flag
        "above_earlier_layer".
    """
    lowest: dict[tuple[str, str], tuple[float, str]] = {}  # lowest value so far, and its layer
    found: dict[str, dict[str, PlanePoint]] = {}
    for layer, by_estimator in points.items():
        found[layer] = {}
        for name, point in by_estimator.items():
            doubts = []
            for words, (value_of, kind_of) in _VALUES.items():
                value = getattr(point, value_of)
                if math.isnan(value) or getattr(point, kind_of) in ("lower", "upper"):
                    continue
                before, earlier = lowest.get((name, words), (math.inf, ""))
                if value > before + _TOLERANCE:
                    doubts.append(f"{words} is {value:.3g} nats, above the {before:.3g} of layer {earlier!r}")
                else:
                    lowest[name, words] = value, layer
            flags = {"above_earlier_layer": f"{'; '.join(doubts)}: {_MEANING}"} if doubts else {}
            found[layer][name] = replace(point, flags={**point.flags, **flags}) if flags else point
    return found
