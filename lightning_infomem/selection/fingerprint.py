"""What must agree before reports can be ranked together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from lightning_infomem.records.comparability import Field, check_comparable
from lightning_infomem.records.report import InformationReport

__all__ = ["Fingerprint", "check_fingerprints", "take_fingerprint"]

Fingerprint = Mapping[Field, Hashable]

# Backends count the same neighbours, and one more baseline changes no measure.
_IRRELEVANT_SETTINGS = ("backend", "normal_scores")


def take_fingerprint(report: InformationReport) -> Fingerprint:
    """Collect what must agree with other reports, so that the report itself can be released.

    Args:
        report: A report.

    Returns:
        Field -> value. The fields are "layers" (names of all layers that were to be measured, skipped ones included),
        "probe" (digest of the inputs; None if unknown), "settings.NAME", and for each layer "width", "units" and
        "samples". Samples are those that were drawn: rows that were dropped from one checkpoint do not matter.
    """
    fields: dict[Field, Hashable] = {
        "layers": tuple(sorted({*(layer.name for layer in report.layers), *report.skipped})),
        "probe": report.probe,
    }
    for name, value in report.settings.items():
        if name not in _IRRELEVANT_SETTINGS:
            fields[f"settings.{name}"] = tuple(value) if isinstance(value, list) else value
    for layer in report.layers:
        part = f"layer '{layer.name}'"
        fields["width", part] = layer.width
        fields["units", part] = tuple(layer.units.tolist())
        fields["samples", part] = layer.num_samples + layer.num_dropped
    return fields


def check_fingerprints(fingerprints: Mapping[str, Fingerprint], allow_mismatch: Sequence[str] = ()) -> list[str]:
    """Require that reports were measured alike.

    A layer is compared only between reports that measured it, because it can have been skipped in one checkpoint, for
    instance after its values became infinite. Unknown inputs are not compared either.

    Args:
        fingerprints: Name of a file -> fingerprint of its report.
        allow_mismatch: Names of fields that may differ: "layers", "probe", "width", "units", "samples",
            "settings.NAME".

    Returns:
        A sentence for each difference that was allowed.

    Raises:
        TypeError, ValueError: See `check_comparable`.
    """
    fields: dict[Field, dict[str, Hashable]] = {}
    for field in {field for each in fingerprints.values() for field in each}:
        can_be_unknown = field == "probe" or isinstance(field, tuple)
        values = {file: each.get(field, None if can_be_unknown else "not given") for file, each in fingerprints.items()}
        fields[field] = {file: value for file, value in values.items() if value is not None or not can_be_unknown}
    return check_comparable(fields, allow_mismatch, argument="checkpoints")
