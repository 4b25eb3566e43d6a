"""Check that points were measured alike before they share a plane."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from lightning_infomem._checks import nearest_names
from lightning_infomem.information_plane.plane_point import PlanePoint

__all__ = ["check_alike", "check_comparable", "fields_of"]

_NAMED = 3  # of those that differ


def check_comparable(
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
    >>> check_comparable([first, second], ["parameters.bins"])
    ["compared all the same: they differ in parameters.bins: 30 in '0' but 99 in '1'"]
    """
    named = points if isinstance(points, Mapping) else {str(place): each for place, each in enumerate(points)}
    return check_alike(fields_of(named), allow_mismatch, argument="points")


def fields_of(points: Mapping[str, PlanePoint]) -> dict[str, dict[str, Hashable]]:
    """Fields that must agree: field name -> point name -> value, as `check_alike` expects."""
    fields: dict[str, dict[str, Hashable]] = {
        "estimator": {name: point.estimator for name, point in points.items()},
        "num_samples": {name: point.num_samples for name, point in points.items()},
    }
    for parameter in sorted({parameter for point in points.values() for parameter in point.parameters}):
        fields[f"parameters.{parameter}"] = {
            name: point.parameters.get(parameter, "not given") for name, point in points.items()
        }
    return fields


def check_alike(
    fields: Mapping[str, Mapping[str, Hashable]], allow_mismatch: Sequence[str], *, argument: str
) -> list[str]:
    """Require that each field has a single value.

    Args:
        fields: Field name -> owner name -> value.
        allow_mismatch: Names of fields that may differ.
        argument: Name of what is compared; the message starts with it.

    Returns:
        One sentence for each difference that was allowed.

    Raises:
        TypeError: If ``allow_mismatch`` is a single string.
        ValueError: If values differ, or ``allow_mismatch`` names an unknown field.
    """
    if isinstance(allow_mismatch, str):
        raise TypeError(f"allow_mismatch: a list of fields is required, got {allow_mismatch!r}; put it into [ ].")
    for name in allow_mismatch:
        if name not in fields:
            nearest = ", ".join(nearest_names(name, sorted(fields), count=3))
            raise ValueError(
                f"allow_mismatch: fields that are compared are required, got {name!r}; nearest: {nearest}."
            )
    told = {name: f"{name}: {_tell(values)}" for name, values in fields.items() if len(set(values.values())) > 1}
    refused = [name for name in told if name not in allow_mismatch]
    if refused:
        raise ValueError(
            f"{argument}: what was measured alike is required, got a difference in "
            + "; in ".join(told[name] for name in refused)
            + ". Estimate all anew in one way, keep those apart, or, if you know that they can be compared, give "
            f"allow_mismatch={refused}."
        )
    return [f"compared all the same: they differ in {sentence}" for sentence in told.values()]


def _tell(values: Mapping[str, Hashable]) -> str:
    names_of: dict[Hashable, list[str]] = {}
    for name, value in values.items():
        names_of.setdefault(value, []).append(f"'{name}'")
    return " but ".join(f"{_short(value)} in {_names(names)}" for value, names in names_of.items())


def _names(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _short(value: Hashable) -> str:
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."
