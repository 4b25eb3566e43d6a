"""Courses of layers through the plane by one estimator, and how the figures draw them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize

from lightning_infomem.information_plane.comparable_points import point_fields
from lightning_infomem.information_plane.plane import Plane
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.plots import style
from lightning_infomem.plots.names import name_ends, shorten_layer_names
from lightning_infomem.records.comparability import Field, check_comparable

__all__ = ["PlaneCourses", "describe_origin"]

_LONGEST_DIFFERENCE = 190  # characters: of 100 points each may have a value of its own
_SMALL_GAP = 0.09  # of the height of a small panel: a line of text
_KINDS = {"exact": "exact", "lower": "lower bound", "upper": "upper bound", "neither": "neither bound nor exact"}


@dataclass(frozen=True, eq=False)
class PlaneCourses:
    """Points of one estimator along a run.

    Attributes:
        courses: Layer -> epochs (or measurement numbers) and points, oldest first; at least one layer.
        unit: Unit of the moments, "epoch" or "measurement".
        differences: One sentence for each difference that was allowed.
        origin: Modules and data split of the samples, as far as known.
    """

    courses: dict[str, list[tuple[float, PlanePoint]]]
    unit: str
    differences: Sequence[str] = ()
    origin: str = ""

    @classmethod
    def of(cls, planes: Sequence[Plane], estimator: str, allow_mismatch: Sequence[str] = ()) -> PlaneCourses:
        """Collect the points of one estimator.

        Raises:
            ValueError: If there are no points, or they were not measured alike.
        """
        in_order = sorted(planes, key=lambda plane: (plane.epoch is None, plane.epoch or 0, plane.step or 0))
        courses: dict[str, list[tuple[float, PlanePoint]]] = {}
        are_epochs = all(plane.epoch is not None for plane in in_order)
        for number, plane in enumerate(in_order, start=1):
            for layer, points in plane.points.items():
                if estimator in points:
                    moment = plane.epoch if are_epochs and plane.epoch is not None else number
                    courses.setdefault(layer, []).append((float(moment), points[estimator]))
        if not courses:
            in_order[0].of(estimator)  # says which there are
        every = {f"{layer} at {moment:g}": point for layer, course in courses.items() for moment, point in course}
        differences = check_comparable({**point_fields(every), **_origins(in_order)}, allow_mismatch, argument="points")
        origin = describe_origin(planes, list(courses))
        return cls(courses, "epoch" if are_epochs else "measurement", differences, origin)

    @property
    def first(self) -> PlanePoint:
        """First point, which carries the parameters."""
        return next(iter(self.courses.values()))[0][1]

    @property
    def moments(self) -> list[float]:
        """Moments of all layers, rising."""
        return sorted({moment for course in self.courses.values() for moment, _ in course})

    @property
    def has_inputs(self) -> bool:
        """Whether any point has a finite I(X;T)."""
        return any(math.isfinite(point.input_bits) for course in self.courses.values() for _, point in course)

    def describe(self) -> list[str]:
        """Notes for the reader: parameters, kinds of number, and flags."""
        first, points = self.first, [point for course in self.courses.values() for _, point in course]
        parameters = ", ".join(f"{name.replace('_', ' ')} {_tell(name, points)}" for name in first.parameters)
        of_inputs = _KINDS[first.input_kind] if self.has_inputs else "not given"
        told = [
            f"{first.estimator}: {parameters or 'no parameters'}; {first.num_samples:,} samples",
            f"I(X;T): {of_inputs}; I(T;Y): {_KINDS[first.label_kind]}",
        ]
        counts: dict[str, int] = {}
        for point in points:
            for flag in point.flags:
                counts[flag] = counts.get(flag, 0) + 1
        if counts:
            flagged = ", ".join(f"{flag.replace('_', ' ')} {count}" for flag, count in counts.items())
            told.append(f"flagged, of {len(points)} points: {flagged}")
        # The parameters say it themselves.
        differences = [each for each in self.differences if " parameters." not in each]
        lost = sum(not _can_be_drawn(point) for point in points)
        if lost:
            told.append(f"not drawn, more than log N below 0: {lost}")
        return [*told, *(textwrap.shorten(each, _LONGEST_DIFFERENCE) for each in differences)]

    def draw(self, axes: Axes, *, against_moments: bool = False, is_small: bool = False) -> ScalarMappable:
        """Draw one named line per layer and label the axes.

        Args:
            axes: Empty axes.
            against_moments: Draw I(T;Y) over the moments instead of the plane.
            is_small: Whether the axes are one of several panels.

        Returns:
            The mappable for a colour bar.
        """
        scale, shades = _scale(self.moments), style.moment_colors()
        ends: list[tuple[float, float] | None] = []
        for course in self.courses.values():
            known = [
                (moment, moment if against_moments else point.input_bits, point.label_bits)
                for moment, point in course
                if _can_be_drawn(point)
            ]
            known = [each for each in known if all(map(math.isfinite, each))]
            if not known:
                ends.append(None)
                continue
            when, x, y = map(np.array, zip(*known, strict=True))
            colors = shades(scale(np.maximum(when, scale.vmin or 0)))
            axes.plot(x, y, color=style.MISSING, linewidth=style.HAIR, zorder=1)
            axes.scatter(x, y, c=colors, s=style.AREA, zorder=2, linewidths=0)
            axes.scatter(x[-1:], y[-1:], c=colors[-1:], zorder=3, **style.LAST_OF_CLOUD)
            ends.append((float(x[-1]), float(y[-1])))
        if against_moments and isinstance(scale, LogNorm):
            axes.set_xscale("symlog", linthresh=1)  # the first is often 0
        size = style.TEXT if is_small else style.HEADING
        axes.set_xlabel(self.unit if against_moments else "I(X;T) in bits", fontsize=size)
        axes.set_ylabel("I(T;Y) in bits", fontsize=size)
        style.frame(axes, labels=size - 1)
        name_ends(axes, ends, shorten_layer_names(list(self.courses)), **({"gap": _SMALL_GAP} if is_small else {}))
        return ScalarMappable(scale, shades)


def describe_origin(planes: Sequence[Plane], layers: Sequence[str] | None = None) -> str:
    """Describe where the samples come from, as far as known.

    Args:
        planes: Planes, at least one.
        layers: Layers whose modules are named; all by default.
    """
    modules = [own for plane in planes for layer, own in plane.modules.items() if layers is None or layer in layers]
    told: dict[str, list[str | None]] = {
        "T: outputs of": [*modules],
        "pooling:": [plane.pooling for plane in planes],
        "split:": [plane.split for plane in planes],
    }
    known = {words: dict.fromkeys(value for value in values if value) for words, values in told.items()}
    return "; ".join(f"{words} {', '.join(values)}" for words, values in known.items() if values)


def _origins(planes: Sequence[Plane]) -> dict[Field, dict[str, Hashable]]:
    """Known origin of the samples: field -> plane -> value, as `check_comparable` expects."""
    named = {f"plane {number}": plane for number, plane in enumerate(planes, start=1)}
    known: dict[Field, dict[str, Hashable]] = {"split": {}, "pooling": {}}
    for name, plane in named.items():
        of_plane = {"split": plane.split, "pooling": plane.pooling}
        of_plane.update({f"modules.{layer}": module for layer, module in plane.modules.items()})
        for field, value in of_plane.items():
            if value is not None:
                known.setdefault(field, {})[name] = value
    return known


def _can_be_drawn(point: PlanePoint) -> bool:
    """Whether no value is so far below 0 (possible for a trained bound) that all others would collapse to one point."""
    lowest = -math.log(max(point.num_samples, 2))
    return not (point.input_information < lowest or point.label_information < lowest)  # NaN is neither


def _tell(name: str, points: Sequence[PlanePoint]) -> str:
    """Value of a parameter, or the lowest and highest if the data determine it for each point."""
    values = {point.parameters.get(name) for point in points}
    if len(values) == 1:
        (value,) = values
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    numbers = [value for value in values if isinstance(value, (int, float))]
    return f"{min(numbers):.3g} to {max(numbers):.3g}" if len(numbers) == len(values) else "of each its own"


def _scale(moments: Sequence[float]) -> Normalize:
    low, high = moments[0], moments[-1]
    # Most happens in the first epochs.
    return LogNorm(max(low, 1), high) if high > 100 * max(low, 1) else Normalize(low, max(high, low + 1))
