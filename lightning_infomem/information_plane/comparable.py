"""Which points may stand in one plane: those that were measured alike."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from lightning_infomem._checks import nearest_names
from lightning_infomem.information_plane.plane_point import PlanePoint

__all__ = ["check_alike", "check_comparable", "fields_of"]

_NAMED = 3  # of those that differ


def check_comparable(
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
    >>> check_comparable([first, second], ["parameters.bins"])
    ["compared all the same: they differ in parameters.bins: 30 in '0' but 99 in '1'"]
    """
    named = points if isinstance(points, Mapping) else {str(place): each for place, each in enumerate(points)}
    return check_alike(fields_of(named), allow_mismatch, argument="points")


def fields_of(points: Mapping[str, PlanePoint]) -> dict[str, dict[str, Hashable]]:
    """What has to be the same: name of a field -> name of a point -> value, as `check_alike` takes it."""
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
    """Require that each field has one value.

    Args:
        fields: name of a field -> name of what has it -> value.
        allow_mismatch: names of fields that may differ.
        argument: what is compared, which begins the message.

    Returns:
        A sentence on each difference that was allowed.

    Raises:
        TypeError: ``allow_mismatch`` is one string.
        ValueError: values differ, or ``allow_mismatch`` names no field.
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
