"""Check that things were measured alike before they are compared."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from lightning_infomem._checks import nearest_names
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.records.file_names import name_files

__all__ = ["Field", "check_comparable", "describe_difference"]

Field = str | tuple[str, str]  # a name, or a name and the part it belongs to, such as a layer

_DIFFERENCES_NAMED = 4


def check_comparable(
    fields: Mapping[Field, Mapping[str, Hashable]], allow_mismatch: Sequence[str] | None = (), *, argument: str
) -> list[str]:
    """Require that every field has one value.

    Args:
        fields: Field -> name of a file, run or point -> its value. One with an unknown value is left out of the field
            and not compared in it.
        allow_mismatch: Names of fields that may differ; None if the caller has no such argument.
        argument: Name of the argument that is compared, for the message.

    Returns:
        A sentence for each difference that was allowed.

    Raises:
        TypeError: ``allow_mismatch`` is one string.
        ValueError: Values differ, or ``allow_mismatch`` has a name that is no field. The message names the fields, and
            who has which value.

    >>> fields = {"bins": {"a.ckpt": 30, "b.ckpt": 99}, ("width", "layer 'fc'"): {"a.ckpt": 3, "b.ckpt": 3}}
    >>> check_comparable(fields, ["bins"], argument="checkpoints")
    ["compared all the same: they differ in bins: 30 in 'a.ckpt' but 99 in 'b.ckpt'"]
    """
    allowed = () if allow_mismatch is None else allow_mismatch
    if isinstance(allowed, str):
        raise UsageTypeError(f"allow_mismatch: a list of fields is required, got {allowed!r}; put it into [ ].")
    known = sorted({_name(field) for field in fields})
    for name in allowed:
        if name not in known:
            nearest = ", ".join(nearest_names(name, known, count=3))
            raise UsageValueError(
                f"allow_mismatch: fields that are compared are required, got {name!r}; nearest: {nearest}."
            )
    differing = [field for field, values in fields.items() if len(set(values.values())) > 1]
    sentences = {field: describe_difference(field, fields[field]) for field in sorted(differing, key=_label)}
    refused = {field: sentence for field, sentence in sentences.items() if _name(field) not in allowed}
    if refused:
        more = len(refused) - _DIFFERENCES_NAMED
        remedy = ""
        if allow_mismatch is not None:
            remedy = (
                f", or, if you know that they can be compared, give allow_mismatch={sorted({*map(_name, refused)})}"
            )
        raise UsageValueError(
            f"{argument}: what was measured alike is required, got a difference in "
            + "; ".join([*refused.values()][:_DIFFERENCES_NAMED])
            + (f"; and in {more} more" if more > 0 else "")
            + f". Keep those apart that differ, or measure all anew in one way{remedy}."
        )
    return [f"compared all the same: they differ in {sentence}" for sentence in sentences.values()]


def describe_difference(field: Field, values: Mapping[str, Hashable]) -> str:
    """Say who has which value of a field.

    >>> describe_difference("bins", {"a.ckpt": 30, "b.ckpt": 99})
    "bins: 30 in 'a.ckpt' but 99 in 'b.ckpt'"
    """
    names_of: dict[Hashable, list[str]] = {}
    for name, value in values.items():
        names_of.setdefault(value, []).append(name)
    difference = " but ".join(f"{_short(value)} in {name_files(names)}" for value, names in names_of.items())
    return f"{_label(field)}: {difference}"


def _name(field: Field) -> str:
    return field if isinstance(field, str) else field[0]


def _label(field: Field) -> str:
    return field if isinstance(field, str) else " of ".join(field)


def _short(value: Hashable) -> str:
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."
