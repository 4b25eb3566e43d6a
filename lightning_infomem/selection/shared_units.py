"""Reduce checkpoints that were measured with several ``max_units`` to the units that all of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from lightning_infomem.records.comparability import describe_difference
from lightning_infomem.records.report import LayerInformation
from lightning_infomem.selection.candidates import Candidate

__all__ = ["on_shared_units"]

_SETTING = "settings.max_units"
_RANGES_OF_UNITS = ("network", "layer")  # depend on which units were measured
_KEPT = ("range_in_deviations",)  # of the scores of a layer: it is no baseline

Units = Mapping[str, frozenset[int]]


def on_shared_units(
    candidates: Sequence[Candidate], *, allow_mismatch: Sequence[str] = ()
) -> tuple[list[Candidate], list[str]]:
    """Restrict checkpoints that differ in ``max_units`` to the units that they share.

    With one seed, the units of a smaller number are among those of a larger one, so that all checkpoints share those of
    the smallest. Mutual information and entropy are then taken from them; only the range of the bins, where it is that
    of the network or the layer, is still that of all measured units. Baselines cannot be restricted: a checkpoint loses
    those of a layer in which it has more units than are shared.

    Args:
        candidates: All checkpoints that are compared.
        allow_mismatch: Fields in which the reports may differ. With "units" or "settings.max_units" nothing is done.

    Returns:
        The checkpoints in the same order, and a note if any was restricted. A layer is left alone if its smallest set
        of units is not part of all others, and so is everything if a report cannot be read again.
    """
    numbers = {str(each.path): each.fingerprint.get(_SETTING) for each in candidates}
    is_allowed = any(name in allow_mismatch for name in ("units", _SETTING))
    shared = _shared_units(candidates)
    has_more = [any(units < _units(each, layer) for layer, units in shared.items()) for each in candidates]
    are_at_hand = all(each.read_again is not None for each, more in zip(candidates, has_more, strict=True) if more)
    if len(set(numbers.values())) < 2 or is_allowed or not are_at_hand:
        return list(candidates), []
    fewest = min(number for number in numbers.values() if isinstance(number, int))
    restricted = [
        _restricted(each, shared, fewest) if more else _as_if_measured(each, fewest)
        for each, more in zip(candidates, has_more, strict=True)
    ]
    if not any(has_more):
        return restricted, []  # no layer has so many units
    note = (
        f"compared on the units that all of them measured, at most {fewest} of a layer: they differ in "
        f"{describe_difference('max_units', numbers)}; baselines are left out for layers with more"
    )
    if candidates[0].fingerprint.get("settings.value_range") in _RANGES_OF_UNITS:
        note += ", and the bins of the entropy still span all measured units"
    return restricted, [note]


def _shared_units(candidates: Sequence[Candidate]) -> Units:
    """Return layer -> smallest set of units, for the layers of which it is part of all others."""
    layers = dict.fromkeys(field[1] for each in candidates for field in each.fingerprint if field[0] == "units")
    sets = {layer: [units for each in candidates if (units := _units(each, layer))] for layer in layers}
    smallest = {layer: min(found, key=len) for layer, found in sets.items() if found}
    return {layer: units for layer, units in smallest.items() if all(units <= other for other in sets[layer])}


def _units(candidate: Candidate, layer: str) -> frozenset[int]:
    """Return the measured units of a layer, as its fingerprint names it; empty if the layer was not measured."""
    units = candidate.fingerprint.get(("units", layer), ())
    return frozenset(units) if isinstance(units, tuple) else frozenset()


def _as_if_measured(candidate: Candidate, max_units: int) -> Candidate:
    return replace(candidate, fingerprint={**candidate.fingerprint, _SETTING: max_units})


def _restricted(candidate: Candidate, shared: Units, max_units: int) -> Candidate:
    assert candidate.read_again is not None
    report = candidate.read_again()
    layers = tuple(_on_units(layer, shared.get(f"layer '{layer.name}'")) for layer in report.layers)
    found = Candidate.from_report(candidate.path, replace(report, layers=layers))
    return _as_if_measured(replace(candidate, layers=found.layers, fingerprint=found.fingerprint), max_units)


def _on_units(layer: LayerInformation, units: frozenset[int] | None) -> LayerInformation:
    """Return the measures of these units alone; the layer itself if it has no others."""
    if units is None or len(units) == len(layer.units):
        return layer
    places = torch.tensor([place for place, unit in enumerate(layer.units.tolist()) if unit in units])
    matrix = layer.mutual_information[places][:, places]
    with_itself = matrix.diagonal()[matrix.diagonal().isfinite()]
    return replace(
        layer,
        units=layer.units[places],
        entropy=layer.entropy[places],
        mutual_information=matrix,
        # A constant unit shares exactly nothing, not even with itself.
        dead_fraction=(with_itself == 0).double().mean().item() if len(with_itself) else 0.0,
        scores={name: value for name, value in layer.scores.items() if name in _KEPT},
    )
