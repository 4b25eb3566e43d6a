"""The second stage of a ranking: check that checkpoints can be compared, and choose the layers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.comparability import Field, check_comparable
from lightning_infomem.records.file_names import common_folder, name_files
from lightning_infomem.records.flag import Flag
from lightning_infomem.selection.candidates import Candidate, Fingerprint

__all__ = ["Comparison", "EpochsOfOneRun", "check_fingerprints", "check_several_runs", "compare_candidates"]

_COPIES = 1 / 3


class EpochsOfOneRun(UsageValueError):
    """Raised if checkpoints that were to be ranked are epochs of one run."""


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
    """Require that checkpoints were measured alike, and choose the layers in which to compare them.

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
            notes.append(f"layer '{name}' is left out: no finite measures in {name_files(lacking)}")
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
    distinct = [name for name in layers if name not in copies]
    words = "left out: its" if distinct else "its"
    flags = [Flag("copies", f"layer '{name}': {words} units are nearly copies in every checkpoint") for name in copies]
    return Comparison(distinct or layers, notes, flags)


def check_several_runs(candidates: Sequence[Candidate]) -> None:
    """Refuse the checkpoints of one run: the monitor has written its id into them.

    Where it has not, as in reports that were measured afterwards, a folder in which every epoch occurs once looks like
    one run.

    Copies of a checkpoint, as ``last.ckpt`` can be, do not count.

    Raises:
        EpochsOfOneRun: They are of one run, or look like it.
    """
    steps = {(each.epoch, each.step) for each in candidates}
    moments = {
        (each.epoch, each.step, *(layer.mutual_information for layer in each.layers.values())) for each in candidates
    }
    epochs = [moment[0] for moment in moments]
    folder = common_folder([each.path for each in candidates])
    runs = {each.run_id for each in candidates}
    if None not in runs:
        is_one_run = len(runs) == 1 and len(steps) > 1
    else:
        is_one_folder = all(each.path.parent == folder for each in candidates)
        is_one_run = is_one_folder and None not in epochs and 1 < len(epochs) == len(set(epochs))
    if is_one_run:
        raise EpochsOfOneRun(
            f"checkpoints: those of several runs are required, got {len(steps)} epochs or steps of one run in "
            f"'{folder}', along which neither the lowest nor the highest value marks the best one. judge_run, or "
            "`infomem run`, says whether the run memorizes and which checkpoint to keep. Pass along_run=False, or "
            "--not-along-run, to rank them anyway."
        )


def check_fingerprints(fingerprints: Mapping[str, Fingerprint], allow_mismatch: Sequence[str] = ()) -> list[str]:
    """Require that reports were measured alike.

    A layer is compared only between reports that measured it, because it can have been skipped in one checkpoint, for
    instance after its values became infinite. Unknown inputs are not compared either, nor unknown tasks.

    Args:
        fingerprints: Name of a file -> fingerprint of its report.
        allow_mismatch: Names of fields that may differ: "layers", "probe", "task", "width", "units", "samples",
            "settings.NAME".

    Returns:
        A sentence for each difference that was allowed.

    Raises:
        TypeError, ValueError: See `check_comparable`.
    """
    fields: dict[Field, dict[str, Hashable]] = {}
    for field in {field for each in fingerprints.values() for field in each}:
        can_be_unknown = field in ("probe", "task") or isinstance(field, tuple)
        values = {file: each.get(field, None if can_be_unknown else "not given") for file, each in fingerprints.items()}
        fields[field] = {file: value for file, value in values.items() if value is not None or not can_be_unknown}
    for part in {field[1] for field in fields if field[0] == "width"}:
        if len({*fields["width", part].values()}) > 1:  # the units of layers of other widths differ anyhow
            fields["units", part] = {}
    return check_comparable(fields, allow_mismatch, argument="checkpoints")
