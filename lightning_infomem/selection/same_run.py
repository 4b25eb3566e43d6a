"""Tell epochs of one run, which is judged, from checkpoints of several runs, which are ranked."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.file_names import name_files
from lightning_infomem.records.run_verdict import RunRow
from lightning_infomem.selection.candidates import Candidate

__all__ = ["EpochsOfOneRun", "check_several_runs", "order_one_run", "place_in_run"]


class EpochsOfOneRun(UsageValueError):
    """Raised if checkpoints that were to be ranked are epochs of one run."""


def check_several_runs(candidates: Sequence[Candidate]) -> None:
    """Refuse what looks like one run: a folder in which every epoch occurs once.

    Copies of a checkpoint, as ``last.ckpt`` can be, do not count.

    Raises:
        EpochsOfOneRun: They look like one run.
    """
    folders = {each.path.parent for each in candidates}
    moments = {
        (each.epoch, each.step, *(layer.mutual_information for layer in each.layers.values())) for each in candidates
    }
    epochs = [moment[0] for moment in moments]
    if len(folders) == 1 and None not in epochs and 1 < len(epochs) == len(set(epochs)):
        raise EpochsOfOneRun(
            f"checkpoints: those of several runs are required, got {len(epochs)} epochs in '{folders.pop()}': these "
            "are epochs of one run, along which neither the lowest nor the highest value marks the best epoch. "
            "judge_run, or `infomem run`, says whether the run memorizes and which checkpoint to keep. If each is a "
            "recipe of its own, say so by groups=lambda path: path.stem, or --groups '(.+)'."
        )


def order_one_run(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Sort the checkpoints of one run by the order of training, and drop copies.

    Raises:
        ValueError: One of several checkpoints has neither epoch nor step, or two of the same moment differ.
    """
    unknown = [str(each.path) for each in candidates if each.epoch is None and each.step is None]
    if unknown and len(candidates) > 1:
        raise UsageValueError(
            "checkpoints: an epoch or a step is required in each, to put them in the order of training, got none in "
            f"{name_files(unknown)}; leave out these files."
        )
    by_place: dict[tuple[int, int], Candidate] = {}
    for each in candidates:
        known = by_place.setdefault(place_in_run(each), each)
        if not _are_copies(known, each):
            raise UsageValueError(
                f"checkpoints: those of one run are required, got '{known.path}' and '{each.path}', which differ "
                f"although both are of epoch {each.epoch}, step {each.step}; give the folder of one run, or rank "
                "checkpoints of several runs with rank_checkpoints."
            )
    return [by_place[place] for place in sorted(by_place)]


def place_in_run(moment: Candidate | RunRow) -> tuple[int, int]:
    """Return a key that sorts moments in the order of training."""
    return -1 if moment.epoch is None else moment.epoch, -1 if moment.step is None else moment.step


def _are_copies(one: Candidate, other: Candidate) -> bool:
    """The tolerance is that of measurements on different devices."""
    shared = [name for name in one.layers if name in other.layers]
    return all(
        math.isclose(
            one.layers[name].mutual_information, other.layers[name].mutual_information, rel_tol=1e-3, abs_tol=1e-4
        )
        for name in shared
    )
