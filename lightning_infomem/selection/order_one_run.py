"""Put the checkpoints of one run into the order of training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.file_names import name_files
from lightning_infomem.records.run_verdict import RunRow
from lightning_infomem.selection.candidates import Candidate

__all__ = ["order_one_run", "place_in_run"]


def order_one_run(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Sort the checkpoints of one run by the order of training, and drop copies.

    A checkpoint that was saved again at the same step, as after the end of the training, is a copy, whatever epoch
    Lightning has counted to by then.

    Raises:
        ValueError: The checkpoints are of several runs, one of several has neither epoch nor step, or two of the same
            moment differ.
    """
    runs = {each.run_id: str(each.path) for each in candidates if each.run_id is not None}
    if len(runs) > 1:
        raise UsageValueError(
            f"checkpoints: those of one run are required, got {len(runs)} runs ({name_files(list(runs.values()))}); "
            "give the folder of one run, or rank checkpoints of several runs with rank_checkpoints."
        )
    unknown = [str(each.path) for each in candidates if each.epoch is None and each.step is None]
    if unknown and len(candidates) > 1:
        raise UsageValueError(
            "checkpoints: an epoch or a step is required in each, to put them in the order of training, got none in "
            f"{name_files(unknown)}; leave out these files."
        )
    ordered: list[Candidate] = []
    for each in sorted(candidates, key=place_in_run):
        before = ordered[-1] if ordered else None
        if before is None or not _are_of_one_moment(before, each):
            ordered.append(each)
        elif _are_copies(before, each):
            continue
        elif before.epoch != each.epoch:
            ordered.append(each)
        else:
            raise UsageValueError(
                f"checkpoints: those of one run are required, got '{before.path}' and '{each.path}', which differ "
                f"although both are of epoch {each.epoch}, step {each.step}; give the folder of one run, or rank "
                "checkpoints of several runs with rank_checkpoints."
            )
    return ordered


def place_in_run(moment: Candidate | RunRow) -> tuple[int, int]:
    """Return a key that sorts moments in the order of training."""
    return -1 if moment.step is None else moment.step, -1 if moment.epoch is None else moment.epoch


def _are_of_one_moment(one: Candidate, other: Candidate) -> bool:
    return one.step == other.step and (one.step is not None or one.epoch == other.epoch)


def _are_copies(one: Candidate, other: Candidate) -> bool:
    """The tolerance is that of measurements on different devices."""
    shared = [name for name in one.layers if name in other.layers]
    return all(
        math.isclose(
            one.layers[name].mutual_information, other.layers[name].mutual_information, rel_tol=1e-3, abs_tol=1e-4
        )
        for name in shared
    )
