"""What is doubtful about the points of a plane once the layers are seen together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from lightning_infomem.information_plane.plane_point import PlanePoint

__all__ = ["flag_between_layers"]

_TOLERANCE = 1e-9  # nats
_MEANING = "no network can do that to what it computes from that layer alone; bins, noise or the estimate do"
_VALUES = {"I(X;T)": ("input_information", "input_kind"), "I(T;Y)": ("label_information", "label_kind")}


def flag_between_layers(points: Mapping[str, Mapping[str, PlanePoint]]) -> dict[str, dict[str, PlanePoint]]:
    """Flag the points that tell more than an earlier layer does.

    By the data-processing inequality no layer knows more of X or Y than a layer before it from which alone it is
    computed. Bins, noise, a method that measures something else, and chance let estimates do so. Of two bounds that
    says nothing, and they are not flagged.

    Args:
        points: layer -> name of an estimator -> its point, in the order of the network.

    Returns:
        The same points, with "above_earlier_layer" among the flags of those that are above any earlier layer by the
        same estimator.
    """
    lowest: dict[tuple[str, str], tuple[float, str]] = {}  # of the layers so far, and which layer has it
    found: dict[str, dict[str, PlanePoint]] = {}
    for layer, own in points.items():
        found[layer] = {}
        for name, point in own.items():
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
