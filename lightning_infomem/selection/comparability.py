"""Which reports may stand in one ranking: those that were measured alike."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from lightning_infomem._checks import nearest_names
from lightning_infomem.records.file_names import name_files
from lightning_infomem.records.report import InformationReport

__all__ = ["Fingerprint", "check_comparable", "take_fingerprint"]

# Backends count the same neighbours, and another baseline more or less changes no measure.
_IRRELEVANT_SETTINGS = ("backend", "normal_scores")
_DIFFERENCES_NAMED = 4


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


def check_comparable(fingerprints: Mapping[str, Fingerprint], allow_mismatch: Sequence[str] = ()) -> list[str]:
    """Require that reports were measured alike.

    Args:
        fingerprints: name of a file -> the fingerprint of its report.
        allow_mismatch: names of fields that may differ: "layers", "probe", "width", "units", "samples",
            "settings.NAME".

    Returns:
        A sentence on each difference that was allowed.

    Raises:
        TypeError: ``allow_mismatch`` is one string.
        ValueError: reports differ; the fields that do are named, with their values and the files that have them. Or
            ``allow_mismatch`` names no field.
    """
    if isinstance(allow_mismatch, str):
        raise TypeError(f"allow_mismatch: a list of fields is required, got {allow_mismatch!r}; put it into [ ].")
    known = {"width", "units", "samples", *(name for each in fingerprints.values() for name in each.fields)}
    for name in allow_mismatch:
        if name not in known:
            nearest = ", ".join(nearest_names(name, sorted(known), count=3))
            raise ValueError(f"allow_mismatch: fields of a fingerprint are required, got {name!r}; nearest: {nearest}.")
    files_by_value: dict[tuple[str, str], dict[Hashable, list[str]]] = {}
    for file, fingerprint in fingerprints.items():
        for name in known - {"width", "units", "samples"}:
            value = fingerprint.fields.get(name, "not given")
            if not (name == "probe" and value is None):  # not known is no difference
                files_by_value.setdefault((name, ""), {}).setdefault(value, []).append(file)
        for field, value in fingerprint.by_layer.items():
            files_by_value.setdefault(field, {}).setdefault(value, []).append(file)
    differing = {field: files for field, files in sorted(files_by_value.items()) if len(files) > 1}
    told = {
        (name, layer): name + (f" of layer '{layer}'" if layer else "") + f": {_tell(files)}"
        for (name, layer), files in differing.items()
    }
    refused = [sentence for (name, _), sentence in told.items() if name not in allow_mismatch]
    if refused:
        more = len(refused) - _DIFFERENCES_NAMED
        fields = sorted({name for name, _ in differing if name not in allow_mismatch})
        raise ValueError(
            "checkpoints: reports measured alike are required, these differ in "
            + "; ".join(refused[:_DIFFERENCES_NAMED])
            + (f"; and in {more} more" if more > 0 else "")
            + f". Rank those that are alike on their own, measure all anew with the same settings, or, if you know "
            f"that they can be compared, give allow_mismatch={fields}."
        )
    return [f"compared all the same: they differ in {sentence}" for sentence in told.values()]


def _tell(files_by_value: Mapping[Hashable, list[str]]) -> str:
    return " but ".join(f"{_short(value)} in {name_files(files)}" for value, files in files_by_value.items())


def _short(value: Hashable) -> str:
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."
