"""What must agree before reports stand in one ranking."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from lightning_infomem.records.comparability import Field, check_comparable
from lightning_infomem.records.report import InformationReport

__all__ = ["Fingerprint", "check_fingerprints", "take_fingerprint"]

# Backends count the same neighbours, and another baseline more or less changes no measure.
_IRRELEVANT_SETTINGS = ("backend", "normal_scores")


@dataclass(frozen=True)
class Fingerprint:
    """What must agree before two reports are compared.

    Attributes:
        fields: of the whole report: "layers" (names of all that were to be measured, the skipped ones included),
            "probe" (digest of the inputs; None where it is not known) and "settings.NAME".
        by_layer: ("width" | "units" | "samples", layer) -> value; must agree where that layer was measured. A layer
            of one checkpoint can have been skipped, for instance after its values went to infinity.
    """

    fields: Mapping[str, Hashable]
    by_layer: Mapping[tuple[str, str], Hashable]


def take_fingerprint(report: InformationReport) -> Fingerprint:
    """Note the layers, widths, units, samples, inputs and settings of a report, so that the report can be let go.

    Samples are those that were drawn: rows that had to be dropped from one checkpoint do not make another sample.
    """
    fields: dict[str, Hashable] = {
        "layers": tuple(sorted({*(layer.name for layer in report.layers), *report.skipped})),
        "probe": report.probe,
    }
    for name, value in report.settings.items():
        if name not in _IRRELEVANT_SETTINGS:
            fields[f"settings.{name}"] = tuple(value) if isinstance(value, list) else value
    by_layer: dict[tuple[str, str], Hashable] = {}
    for layer in report.layers:
        by_layer["width", layer.name] = layer.width
        by_layer["units", layer.name] = tuple(layer.units.tolist())
        by_layer["samples", layer.name] = layer.num_samples + layer.num_dropped
    return Fingerprint(fields, by_layer)


def check_fingerprints(fingerprints: Mapping[str, Fingerprint], allow_mismatch: Sequence[str] = ()) -> list[str]:
    """Require that reports were measured alike.

    Args:
        fingerprints: Name of a file -> the fingerprint of its report.
        allow_mismatch: Names of fields that may differ: "layers", "probe", "width", "units", "samples",
            "settings.NAME".

    Returns:
        A sentence for each difference that was allowed.

    Raises:
        TypeError, ValueError: See `check_comparable`.
    """
    fields: dict[Field, dict[str, Hashable]] = {}
    for name in {name for each in fingerprints.values() for name in each.fields}:
        values = {file: each.fields.get(name, "not given") for file, each in fingerprints.items()}
        # An unknown probe is no difference.
        fields[name] = {file: value for file, value in values.items() if name != "probe" or value is not None}
    for file, each in fingerprints.items():
        for (name, layer), value in each.by_layer.items():
            fields.setdefault((name, f"layer '{layer}'"), {})[file] = value
    return check_comparable(fields, allow_mismatch, argument="checkpoints")
