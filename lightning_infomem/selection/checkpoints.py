"""Checkpoint files: where they are, and the report that each one carries."""

from __future__ import annotations

import copy
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint

from lightning_infomem._checks import describe
from lightning_infomem.records import REPORT_KEY, InformationReport

__all__ = ["CheckpointRecord", "UnusableCheckpoint", "find_checkpoints", "load_checkpoint", "read_checkpoint"]

_SUFFIX = ".ckpt"


class UnusableCheckpoint(ValueError):
    """A file that is no checkpoint, is damaged, or cannot be read safely; the message says which and what to do."""


@dataclass(frozen=True, eq=False)
class CheckpointRecord:
    """What a ranking needs to know of one checkpoint.

    Attributes:
        path: of the file.
        epoch: in which it was saved; None where the file does not say.
        step: the global step at which it was saved; None where the file does not say.
        report: the measures it carries; None where it carries none.
        metrics: what ModelCheckpoint monitored when it saved this file, name -> value; often empty.
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
        checkpoints: a folder (searched with its subfolders for ``*.ckpt``), a file, several of either, or an object
            with the folder as its ``dirpath``, such as a ModelCheckpoint.

    Returns:
        Sorted paths. A link and the file it leads to count once, under the file's own name. A sharded checkpoint is a
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
            f"checkpoints: at least one checkpoint is required, got none in {where}; files and folders that end in "
            f"{_SUFFIX} were looked for, subfolders included: give the folder that ModelCheckpoint writes to."
        )
    return sorted(found.values())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load a checkpoint on the CPU without running code from it, its tensors mapped into memory, not copied.

    Raises:
        UnusableCheckpoint: nothing came out; the message says why and what to do.
    """
    if path.is_dir():
        raise UnusableCheckpoint(_why_folder(path))
    try:
        # Only the format of torch >= 1.6, a zip archive, can be mapped.
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except OSError as fault:
        raise UnusableCheckpoint(f"cannot be opened ({fault.strerror or fault})") from fault
    except Exception as fault:  # bytes that are no pickle make the unpickler stumble over anything
        raise UnusableCheckpoint(_why_unreadable(path, fault)) from fault
    if not isinstance(loaded, dict):
        raise UnusableCheckpoint(f"no Lightning checkpoint: a dict is required, it holds a {type(loaded).__name__}")
    return loaded


def read_checkpoint(path: str | Path) -> CheckpointRecord:
    """Read what one checkpoint says about itself, its report included; the file is not changed and not kept open.

    Args:
        path: of the file.

    Raises:
        UnusableCheckpoint: the file or the report in it cannot be read; the message does not repeat the path.
    """
    path = Path(path)
    loaded = load_checkpoint(path)
    callbacks = loaded.get("callbacks")
    callbacks = callbacks if isinstance(callbacks, Mapping) else {}
    states = {key: state for key, state in callbacks.items() if isinstance(state, Mapping)}
    # Of a monitor that had not measured yet the report is None.
    reports = {key: state[REPORT_KEY] for key, state in states.items() if state.get(REPORT_KEY) is not None}
    notes: list[str] = []
    if len(reports) > 1:
        notes.append(f"several monitors left a report ({', '.join(map(str, reports))}); the first one was read")
    try:
        # Copied out of the mapped file, so that it can be closed, or overwritten by a run that goes on.
        report = InformationReport.from_state(copy.deepcopy(next(iter(reports.values())))) if reports else None
    except ValueError as fault:
        raise UnusableCheckpoint(str(fault)) from fault
    epoch, step = _whole_number(loaded.get("epoch")), _whole_number(loaded.get("global_step"))
    if report is not None and None not in (step, report.step) and step != report.step:
        notes.append("the report was measured at another step than that of the weights")
    return CheckpointRecord(path, epoch, step, report, _monitored(states.values(), path.name), tuple(notes))


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
    for folder, folders, files in os.walk(place):
        sharded = [name for name in folders if _is_sharded(Path(folder, name))]
        folders[:] = [name for name in folders if name not in sharded]
        yield from (Path(folder, name) for name in [*files, *sharded] if name.endswith(_SUFFIX))


def _is_sharded(folder: Path) -> bool:
    """FSDP writes `meta.pt` and `.metadata` into the folder, DeepSpeed a `latest` that names the one of its parts."""
    return folder.suffix == _SUFFIX and any((folder / name).exists() for name in ("meta.pt", ".metadata", "latest"))


def _why_folder(path: Path) -> str:
    if (path / "latest").exists():
        return f"a sharded DeepSpeed checkpoint; make one file of it: python '{path / 'zero_to_fp32.py'}'"
    return (
        "a sharded checkpoint; make one file of it: "
        f"python -m lightning.pytorch.utilities.consolidate_checkpoint '{path}'"
    )


def _why_unreadable(path: Path, fault: Exception) -> str:
    with open(path, "rb") as file:
        is_archive = file.read(4) == b"PK\x03\x04"
    if not is_archive:
        return f"no torch checkpoint, or one too damaged to read ({type(fault).__name__}); save it again or remove it"
    if not zipfile.is_zipfile(path):  # its directory stands at the end
        return "truncated or only half written: the end of the file is missing; wait until it is saved, or remove it"
    try:
        offenders = get_unsafe_globals_in_checkpoint(path)
    except Exception:  # the same stumbling as above
        offenders = []
    if not offenders:
        return f"no torch checkpoint, or a damaged one ({str(fault).splitlines()[0][:120]}); save it again or remove it"
    return (
        f"loading it would run code: it holds {', '.join(offenders)}; if you trust the file, allow them with "
        "torch.serialization.add_safe_globals"
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
