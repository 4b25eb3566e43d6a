"""The second stage of a ranking: check that checkpoints can be compared, and choose the layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.file_names import name_files
from lightning_infomem.records.flag import Flag
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.fingerprint import check_fingerprints

__all__ = ["Comparison", "compare_candidates"]

_COPIES = 1 / 3


class Comparison(NamedTuple):
    """The layers in which checkpoints are compared.

    Attributes:
        layers: Names of the layers.
        notes: Differences that were allowed, and layers left out because they lack values.
        flags: A flag "copies" for each layer whose units are nearly copies.
    """

    layers: list[str]
    notes: list[str]
    flags: list[Flag]


def compare_candidates(
    candidates: Sequence[Candidate], others: Sequence[Candidate] = (), *, allow_mismatch: Sequence[str] = ()
) -> Comparison:
    """Require that checkpoints were measured alike, and choose the layers to compare them in.

    A layer takes part if all checkpoints have finite measures of it, and if its units are not nearly copies in all of
    them. Units are nearly copies if pairs share a third of what a unit shares with itself, whatever was trained. An
    example is the spatial means of a first convolution, which follow the brightness. If all layers are like this, all
    take part.

    Args:
        candidates: The checkpoints.
        others: Checkpoints that they are compared with, such as a reference.
        allow_mismatch: Fields in which reports may differ; see `check_fingerprints`.

    Raises:
        ValueError: The reports were not measured alike, or no layer is finite in all of them.
    """
    compared = [*candidates, *others]
    notes = check_fingerprints({str(each.path): each.fingerprint for each in compared}, allow_mismatch)
    layers = []
    for name in dict.fromkeys(name for each in compared for name in each.layers):
        lacking = [str(each.path) for each in compared if name not in each.layers]
        if lacking:
            notes.append(f"layer '{name}' is left out of the ranking: no finite measures in {name_files(lacking)}")
        else:
            layers.append(name)
    if not layers:
        raise UsageValueError(
            f"checkpoints: a layer with finite measures in all of them is required, got none ({'; '.join(notes)}); "
            "leave out the checkpoints whose training diverged."
        )
    copies = [
        name for name in layers if all(each.layers[name].scores["copy_fraction"] > _COPIES for each in candidates)
    ]
    telling = [name for name in layers if name not in copies]
    words = "left out of the ranking: its" if telling else "its"
    flags = [Flag("copies", f"layer '{name}': {words} units are nearly copies in every checkpoint") for name in copies]
    return Comparison(telling or layers, notes, flags)
