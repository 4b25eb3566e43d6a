"""Checkpoints, files or folders: where they are, and the report that each one carries."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from lightning_infomem._checks import describe
from lightning_infomem.checkpoints.huggingface_folder import (
    REPORT_FILE,
    is_huggingface_folder,
    load_folder,
    read_training_state,
    weight_files_of,
)
from lightning_infomem.checkpoints.weight_files import SUFFIXES, UnusableCheckpoint, load_weight_file
from lightning_infomem.records.report import REPORT_KEY, InformationReport

__all__ = [
    "CheckpointRecord",
    "UnusableCheckpoint",
    "files_of_checkpoint",
    "find_checkpoints",
    "load_checkpoint",
    "read_checkpoint",
]


@dataclass(frozen=True, eq=False)
class CheckpointRecord:
    """What a ranking needs to know of one checkpoint.

    Attributes:
        path: of the file or folder.
        epoch: in which it was saved; None where the file does not say.
        step: the global step at which it was saved; None where the file does not say.
        report: the measures it carries; None where it carries none.
        metrics: name -> value; what ModelCheckpoint monitored when it saved this file, or Hugging Face's evaluation at
            this very step; often empty.
        notes: what a reader of the report should know.
    """

    path: Path
    epoch: int | None
    step: int | None
    report: InformationReport | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find_checkpoints(checkpoints: object) -> list[Path]:
    """Find checkpoints by folder, not by what a callback remembers: that is empty or stale after a resume.

    Args:
        checkpoints: a folder (searched with its subfolders, those that are hidden left out, for files that end in
            .ckpt, .pt, .pth, .bin or .safetensors and for Hugging Face's folders), a file, several of either, or an
            object with the folder as its ``dirpath``, such as a ModelCheckpoint.

    Returns:
        Sorted paths. A link and the file it leads to count once, under the file's own name. A folder of Hugging Face
        counts as one checkpoint, and so does each ``checkpoint-500`` in it. A sharded checkpoint of Lightning is a
        folder and is listed as such: `read_checkpoint` says how to make one file of it.

    Raises:
        TypeError: nothing of the kind above.
        ValueError: a path that does not exist, or no checkpoint in any of the places.
    """
    places = [Path(place) for place in _places(checkpoints)]
    found: dict[str, Path] = {}
    for place in places:
        if not place.exists():
            raise ValueError(f"checkpoints: an existing file or folder is required, got '{place}'; check its name.")
        for path in sorted(_candidates(place)):
            real = os.path.realpath(path)
            if real not in found or found[real].is_symlink():
                found[real] = path
    if not found:
        where = ", ".join(f"'{place}'" for place in places) or "an empty list"
        raise ValueError(
            f"checkpoints: at least one checkpoint is required, got none in {where}; files that end in "
            f"{', '.join(SUFFIXES)} and Hugging Face's folders were looked for, subfolders included: give the folder "
            "that your training writes to."
        )
    return sorted(found.values())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load a checkpoint on the CPU without running code from it, its tensors mapped into memory, not copied.

    Args:
        path: of a file of Lightning, torch or safetensors, or of a folder of Hugging Face.

    Returns:
        The weights under "state_dict", and what else the checkpoint holds; of a folder the configuration under
        "config". A file of torch in a layout of its own comes as it is.

    Raises:
        UnusableCheckpoint: nothing came out; the message says why and what to do.
    """
    if path.is_dir():
        if not is_huggingface_folder(path):
            raise UnusableCheckpoint(_why_folder(path))
        return load_folder(path)
    return load_weight_file(path)


def files_of_checkpoint(path: Path) -> list[Path]:
    """The files that hold the weights: the file itself, or those in a folder.

    Raises:
        UnusableCheckpoint: a folder lacks some of them, or is a sharded checkpoint.
    """
    if not path.is_dir():
        return [path]
    if not is_huggingface_folder(path):
        raise UnusableCheckpoint(_why_folder(path))
    return weight_files_of(path)


def read_checkpoint(path: str | Path) -> CheckpointRecord:
    """Read what one checkpoint says about itself, its report included; the file is not changed and not kept open.

    The weights in a folder of Hugging Face are not loaded: what it says about itself stands beside them.

    Args:
        path: of the file or folder.

    Raises:
        UnusableCheckpoint: the file or the report in it cannot be read; the message does not repeat the path.
    """
    path = Path(path)
    if path.is_dir() and is_huggingface_folder(path):
        return _read_folder(path)
    loaded = load_checkpoint(path)
    callbacks = loaded.get("callbacks")
    callbacks = callbacks if isinstance(callbacks, Mapping) else {}
    states = {key: state for key, state in callbacks.items() if isinstance(state, Mapping)}
    # Of a monitor that had not measured yet the report is None.
    reports = {key: state[REPORT_KEY] for key, state in states.items() if state.get(REPORT_KEY) is not None}
    notes: list[str] = []
    if len(reports) > 1:
        notes.append(f"several monitors left a report ({', '.join(map(str, reports))}); the first one was read")
    report = _report(next(iter(reports.values()))) if reports else None
    epoch, step = _whole_number(loaded.get("epoch")), _whole_number(loaded.get("global_step"))
    notes += _doubts_of_step(report, step)
    return CheckpointRecord(path, epoch, step, report, _monitored(states.values(), path.name), tuple(notes))


def _read_folder(folder: Path) -> CheckpointRecord:
    weight_files_of(folder)  # a folder that is only half written is no checkpoint, whatever stands beside
    state, report = read_training_state(folder), None
    if (folder / REPORT_FILE).is_file():
        try:
            report = _report(load_weight_file(folder / REPORT_FILE).get(REPORT_KEY))
        except UnusableCheckpoint as fault:
            raise UnusableCheckpoint(f"its {REPORT_FILE}: {fault}") from fault
    notes = (*state.notes, *_doubts_of_step(report, state.step))
    return CheckpointRecord(folder, state.epoch, state.step, report, state.metrics, notes)


def _report(state: Any) -> InformationReport:
    try:
        # Which copies out of the mapped file: it can be closed, or overwritten by a run that goes on.
        return InformationReport.from_state(state)
    except ValueError as fault:
        raise UnusableCheckpoint(str(fault)) from fault


def _doubts_of_step(report: InformationReport | None, step: int | None) -> list[str]:
    if report is not None and None not in (step, report.step) and step != report.step:
        return ["the report was measured at another step than that of the weights"]
    return []


def _places(checkpoints: Any) -> Iterable[str | Path]:
    if hasattr(checkpoints, "dirpath"):
        if checkpoints.dirpath is None:
            raise ValueError(
                f"checkpoints: a {type(checkpoints).__name__} that knows its folder is required, got one whose "
                "dirpath is None; it is set when training starts: pass the folder itself."
            )
        return [checkpoints.dirpath]
    if isinstance(checkpoints, (str, Path)):
        return [checkpoints]
    places = list(checkpoints) if isinstance(checkpoints, Iterable) else [checkpoints]
    for place in places:
        if not isinstance(place, (str, Path)):
            raise TypeError(f"checkpoints: a folder, a path or several paths are required, got {describe(place)}.")
    return places


def _candidates(place: Path) -> Iterator[Path]:
    if not place.is_dir() or _is_sharded(place):
        yield place
        return
    for name, folders, files in os.walk(place):
        folder = Path(name)
        folders[:] = [name for name in folders if not name.startswith(".")]
        if is_huggingface_folder(folder):
            yield folder
            # Beside its last or best model a training keeps its checkpoints; the rest belongs to this one.
            folders[:] = [name for name in folders if is_huggingface_folder(folder / name)]
            continue
        whole = [name for name in folders if _is_sharded(folder / name)]
        folders[:] = [name for name in folders if name not in whole]
        # What a link leads to is not walked through.
        whole += [name for name in folders if (folder / name).is_symlink() and is_huggingface_folder(folder / name)]
        found = [name for name in files if name.endswith(SUFFIXES) and not name.startswith(".")]
        yield from (folder / name for name in [*found, *whole])


def _is_sharded(folder: Path) -> bool:
    """FSDP writes `meta.pt` and `.metadata` into the folder, DeepSpeed a `latest` that names the one of its parts."""
    return folder.suffix == ".ckpt" and any((folder / name).exists() for name in ("meta.pt", ".metadata", "latest"))


def _why_folder(path: Path) -> str:
    if (path / "latest").exists():
        return f"a sharded DeepSpeed checkpoint; make one file of it: python '{path / 'zero_to_fp32.py'}'"
    return (
        "a sharded checkpoint; make one file of it: "
        f"python -m lightning.pytorch.utilities.consolidate_checkpoint '{path}'"
    )


def _monitored(states: Iterable[Mapping[str, Any]], name: str) -> dict[str, float]:
    """The scores of the file of this name, from the list that ModelCheckpoint keeps of the best files."""
    metrics: dict[str, float] = {}
    for state in states:
        monitor, scores = state.get("monitor"), state.get("best_k_models")
        if not isinstance(monitor, str) or not isinstance(scores, Mapping):
            continue
        for path, score in scores.items():
            if Path(str(path)).name == name and isinstance(score, (int, float, Tensor)):
                metrics[monitor] = float(score)
    return metrics


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) else None
