"""Which points may stand in one plane: those that were measured alike."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.records.comparability import Field, check_comparable

__all__ = ["check_points", "point_fields"]


def check_points(
    points: Mapping[str, PlanePoint] | Sequence[PlanePoint], allow_mismatch: Sequence[str] = ()
) -> list[str]:
    """Require that points are of one estimator with the same parameters, on as many samples.

    The layers of one network may be of different widths: units are not compared.

    Args:
        points: by name; those of a sequence are named by their places.
        allow_mismatch: names of fields that may differ: "estimator", "num_samples", "parameters.NAME". Parameters that
            the data chose, of each layer its own, have to be named here too.

    Returns:
        A sentence on each difference that was allowed.

    Raises:
        TypeError: ``allow_mismatch`` is one string.
        ValueError: points differ, or ``allow_mismatch`` names no field.

    >>> first = PlanePoint("Binning", {"bins": 30}, 1.0, 0.5, "neither", "neither", 100, 2)
    >>> second = PlanePoint("Binning", {"bins": 99}, 1.0, 0.5, "neither", "neither", 100, 2)
    >>> check_points([first, second], ["parameters.bins"])
    ["compared all the same: they differ in parameters.bins: 30 in '0' but 99 in '1'"]
    """
    named = points if isinstance(points, Mapping) else {str(place): each for place, each in enumerate(points)}
    return check_comparable(point_fields(named), allow_mismatch, argument="points")


def point_fields(points: Mapping[str, PlanePoint]) -> dict[Field, dict[str, Hashable]]:
    """What has to be the same: name of a field -> name of a point -> value, as `check_comparable` takes it."""
    fields: dict[Field, dict[str, Hashable]] = {
        "estimator": {name: point.estimator for name, point in points.items()},
        "num_samples": {name: point.num_samples for name, point in points.items()},
    }
    for parameter in sorted({parameter for point in points.values() for parameter in point.parameters}):
        fields[f"parameters.{parameter}"] = {
            name: point.parameters.get(parameter, "not given") for name, point in points.items()
        }
    return fields
