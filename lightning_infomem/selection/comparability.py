"""Which reports may stand in one ranking: those that were measured alike."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from lightning_infomem.records import InformationReport
from lightning_infomem.selection.naming import name_files

__all__ = ["Fingerprint", "check_comparable", "take_fingerprint"]

# Backends count the same neighbours.
_IRRELEVANT_SETTINGS = ("backend",)
_DIFFERENCES_NAMED = 4


@dataclass(frozen=True)
class Fingerprint:
    """What must agree before two reports are compared.

    Attributes:
        settings: of the measurement.
        layers: names of all that were to be measured, the skipped ones included.
        by_layer: name of a property of one measured layer -> value; must agree where that layer was measured. A layer
            of one checkpoint can have been skipped, for instance after its values went to infinity.
    """

    settings: Mapping[str, Hashable]
    layers: tuple[str, ...]
    by_layer: Mapping[str, Hashable]


def take_fingerprint(report: InformationReport) -> Fingerprint:
    """Note the layers, widths, units, samples and settings of a report, so that the report itself can be let go.

    Samples are those that were drawn: rows that had to be dropped from one checkpoint do not make another sample.
    """
    settings: dict[str, Hashable] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in report.settings.items()
        if name not in _IRRELEVANT_SETTINGS
    }
    by_layer: dict[str, Hashable] = {}
    for layer in report.layers:
        by_layer[f"width of layer '{layer.name}'"] = layer.width
        by_layer[f"units measured of layer '{layer.name}'"] = tuple(layer.units.tolist())
        by_layer[f"samples of layer '{layer.name}'"] = layer.num_samples + layer.num_dropped
    layers = {*(layer.name for layer in report.layers), *report.skipped}
    return Fingerprint(settings, tuple(sorted(layers)), by_layer)


def check_comparable(fingerprints: Mapping[str, Fingerprint]) -> None:
    """Require that reports were measured alike.

    Args:
        fingerprints: name of a file -> the fingerprint of its report.

    Raises:
        ValueError: they differ; the properties that do are named, with their values and the files that have them.
    """
    settings = dict.fromkeys(name for fingerprint in fingerprints.values() for name in fingerprint.settings)
    files_by_value: dict[str, dict[Hashable, list[str]]] = {}
    for file, fingerprint in fingerprints.items():
        properties: dict[str, Hashable] = {"layers": fingerprint.layers, **fingerprint.by_layer}
        properties |= {f"setting '{name}'": fingerprint.settings.get(name, "not given") for name in settings}
        for name, value in properties.items():
            files_by_value.setdefault(name, {}).setdefault(value, []).append(file)
    differences = [f"{name}: {_tell(files)}" for name, files in files_by_value.items() if len(files) > 1]
    if differences:
        more = len(differences) - _DIFFERENCES_NAMED
        raise ValueError(
            "checkpoints: reports measured alike are required, these differ in "
            + "; ".join(differences[:_DIFFERENCES_NAMED])
            + (f"; and in {more} more" if more > 0 else "")
            + ". Rank those that are alike on their own, or measure all anew with the same settings."
        )


def _tell(files_by_value: Mapping[Hashable, list[str]]) -> str:
    return " but ".join(f"{_short(value)} in {name_files(files)}" for value, files in files_by_value.items())


def _short(value: Hashable) -> str:
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."
