"""Check that points were measured alike before they share a plane."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.records.comparability import Field, check_comparable

__all__ = ["check_points", "point_fields"]


def check_points(
    points: Mapping[str, PlanePoint] | Sequence[PlanePoint], allow_mismatch: Sequence[str] = ()
) -> list[str]:
    """Require that all points come from one estimator with equal parameters and equally many samples.

    Layers of one network may have different widths: units are not compared.

    Args:
        points: Points by name; those in a sequence are named by position.
        allow_mismatch: Names of fields that may differ: "estimator", "num_samples", "parameters.NAME". Parameters that
            the data determine for each layer must be named here too.

    Returns:
        One sentence for each difference that was allowed.

    Raises:
        TypeError: If ``allow_mismatch`` is a single string.
        ValueError: If points differ, or ``allow_mismatch`` names an unknown field.

    >>> first = PlanePoint("Binning", {"bins": 30}, 1.0, 0.5, "neither", "neither", 100, 2)
    >>> second = PlanePoint("Binning", {"bins": 99}, 1.0, 0.5, "neither", "neither", 100, 2)
    >>> check_points([first, second], ["parameters.bins"])
    ["compared all the same: they differ in parameters.bins: 30 in '0' but 99 in '1'"]
    """
    named = points if isinstance(points, Mapping) else {str(place): each for place, each in enumerate(points)}
    return check_comparable(point_fields(named), allow_mismatch, argument="points")


def point_fields(points: Mapping[str, PlanePoint]) -> dict[Field, dict[str, Hashable]]:
    """Fields that must agree: field name -> point name -> value, as `check_comparable` expects."""
    fields: dict[Field, dict[str, Hashable]] = {
        "estimator": {name: point.estimator for name, point in points.items()},
        "num_samples": {name: point.num_samples for name, point in points.items()},
    }
    for parameter in sorted({parameter for point in points.values() for parameter in point.parameters}):
        fields[f"parameters.{parameter}"] = {
            name: point.parameters.get(parameter, "not given") for name, point in points.items()
        }
    return fields
