"""Find checkpoints, files or folders, and read the report that each carries."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from torch import Tensor

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.checkpoints.huggingface_folder import (
    is_huggingface_folder,
    load_folder,
    read_folder_recipe,
    read_training_state,
    report_files,
    weight_files_of,
)
from lightning_infomem.checkpoints.recipe import Recipe, read_recipe
from lightning_infomem.checkpoints.weight_files import SUFFIXES, UnusableCheckpoint, load_weight_file
from lightning_infomem.records.report import COURSE_KEY, REPORT_KEY, InformationReport
from lightning_infomem.sampling.weights_digest import differing_weights, non_finite_weights

__all__ = [
    "CheckpointRecord",
    "UnusableCheckpoint",
    "files_of_checkpoint",
    "find_checkpoints",
    "load_checkpoint",
    "places_of",
    "read_checkpoint",
]


@dataclass(frozen=True, eq=False)
class CheckpointRecord:
    """What a ranking needs to know about one checkpoint.

    Attributes:
        path: Path of the file or folder.
        epoch: Epoch in which it was saved; None if not recorded.
        step: Global step at which it was saved; None if not recorded.
        report: Report stored in the checkpoint; None if there is none.
        metrics: Name -> value that ModelCheckpoint monitored when it saved this file, or that Hugging Face evaluated
            at this step; often empty.
        notes: Remarks for the reader of the report.
        run_id: What the monitor called the run; None if it left no course.
        staleness: Why the report is not of the weights in the checkpoint; None if it is, or if that cannot be told.
        recipe: What the checkpoint says of how it was trained: name -> value; empty if it says nothing. See
            `read_recipe`, and for the folders of Hugging Face `read_folder_recipe`.
    """

    path: Path
    epoch: int | None
    step: int | None
    report: InformationReport | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    run_id: str | None = None
    staleness: str | None = None
    recipe: Recipe = field(default_factory=dict)


def find_checkpoints(checkpoints: object) -> list[Path]:
    """Find checkpoints on disk. A callback's list of them is not used, because it is empty or stale after a resume.

    Args:
        checkpoints: A folder, a file, a pattern of either such as "runs/*/last.ckpt", several of these, or an object
            with the folder as its ``dirpath``, such as a ModelCheckpoint. Folders are searched with their non-hidden
            subfolders for Hugging Face folders and for files ending in .ckpt, .pt, .pth, .bin or .safetensors.

    Returns:
        Sorted paths. A symbolic link and its target count once, under the target's name. A Hugging Face folder is one
        checkpoint, and so is each ``checkpoint-500`` in it. A sharded Lightning checkpoint is a folder and is listed as
        such; `read_checkpoint` explains how to convert it to one file.

    Raises:
        TypeError: ``checkpoints`` is none of the above.
        ValueError: A path does not exist, or no checkpoint was found.
    """
    places = places_of(checkpoints)
    found: dict[str, Path] = {}
    for place in places:
        if not place.exists():
            came = f"'{place}', a pattern that nothing matches" if has_magic(str(place)) else f"'{place}'"
            raise UsageValueError(f"checkpoints: an existing file or folder is required, got {came}; check its name.")
        for path in sorted(_candidates(place)):
            real = os.path.realpath(path)
            if real not in found or found[real].is_symlink():
                found[real] = path
    if not found:
        where = ", ".join(f"'{place}'" for place in places) or "an empty list"
        raise UsageValueError(
            f"checkpoints: at least one checkpoint is required, got none in {where}; give the folder that your "
            f"training writes to. Files ending in {', '.join(SUFFIXES)} and Hugging Face folders were searched for, "
            "also in subfolders."
        )
    return sorted(found.values())


def places_of(checkpoints: Any) -> list[Path]:
    """Return the folders and files that `find_checkpoints` searches; it explains the argument.

    A pattern that nothing matches is returned as it is.

    Raises:
        TypeError: ``checkpoints`` is no path, no collection of paths and no ModelCheckpoint.
        ValueError: A ModelCheckpoint has no folder yet.
    """
    if hasattr(checkpoints, "dirpath"):
        if checkpoints.dirpath is None:
            raise UsageValueError(
                f"checkpoints: a {type(checkpoints).__name__} with a folder is required, got one whose dirpath is "
                "None until training starts; pass the folder itself."
            )
        checkpoints = checkpoints.dirpath
    places = (
        [checkpoints]
        if isinstance(checkpoints, (str, Path)) or not isinstance(checkpoints, Iterable)
        else [*checkpoints]
    )
    for place in places:
        if not isinstance(place, (str, Path)):
            raise UsageTypeError(f"checkpoints: a folder, a path or several paths are required, got {describe(place)}.")
    return [found for place in places for found in _matches(Path(place))]


def _matches(place: Path) -> list[Path]:
    """Return what a pattern matches; a name that exists is no pattern, and can hold brackets."""
    if place.exists() or not has_magic(str(place)):
        return [place]
    return [Path(found) for found in sorted(glob(str(place), recursive=True))] or [place]


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load a checkpoint on the CPU without running code from it; tensors are memory-mapped, not copied.

    Args:
        path: A Lightning, torch or safetensors file, or a Hugging Face folder.

    Returns:
        The weights under "state_dict" and the other contents of the checkpoint; for a folder, the configuration under
        "config". A torch file with an unknown layout is returned as it is.

    Raises:
        UnusableCheckpoint: The checkpoint cannot be loaded; the message says why and what to do.
    """
    return load_folder(path) if path.is_dir() else load_weight_file(path)


def files_of_checkpoint(path: Path) -> list[Path]:
    """Return the files that hold the weights: the file itself, or those in a folder.

    Raises:
        UnusableCheckpoint: Some files of a folder are missing, or it is a sharded checkpoint.
    """
    return weight_files_of(path) if path.is_dir() else [path]


def read_checkpoint(path: str | Path) -> CheckpointRecord:
    """Read the report and metadata of one checkpoint; the file is not modified and not kept open.

    Of the weights only those values are read by which a report is recognised as theirs; see `weights_digest`.

    Args:
        path: Path of the file or folder.

    Raises:
        UnusableCheckpoint: The file or its report cannot be read, or its weights are not finite; the message does not
            repeat the path.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path)
    loaded = load_weight_file(path)
    callbacks = loaded.get("callbacks")
    callbacks = callbacks if isinstance(callbacks, Mapping) else {}
    states = {key: state for key, state in callbacks.items() if isinstance(state, Mapping)}
    # The report is None if the monitor had not measured yet.
    reports = {key: state[REPORT_KEY] for key, state in states.items() if state.get(REPORT_KEY) is not None}
    notes: list[str] = []
    if len(reports) > 1:
        notes.append(_several(map(str, reports)))
    report = _report(next(iter(reports.values()))) if reports else None
    epoch, step = _whole_number(loaded.get("epoch")), _whole_number(loaded.get("global_step"))
    staleness, doubts = _compare_with_weights(report, step, loaded.get("state_dict"))
    metrics, run_id = _monitored(states.values(), path.name), _run_id(states.values())
    recipe = read_recipe(loaded)
    return CheckpointRecord(path, epoch, step, report, metrics, (*notes, *doubts), run_id, staleness, recipe)


def _read_folder(folder: Path) -> CheckpointRecord:
    weight_files_of(folder)  # raises for a half-written folder, even if it contains a report
    state, report, run_id = read_training_state(folder), None, None
    files = report_files(folder)
    if files:
        try:
            saved = load_weight_file(files[0])
            report, run_id = _report(saved.get(REPORT_KEY)), _run_id([saved])
        except UnusableCheckpoint as fault:
            raise UnusableCheckpoint(f"its {files[0].name}: {fault}") from fault
    weights = None if report is None else load_folder(folder)["state_dict"]
    staleness, doubts = _compare_with_weights(report, state.step, weights)
    several = [_several(file.name for file in files)] if len(files) > 1 else []
    notes = (*state.notes, *several, *doubts)
    recipe = read_folder_recipe(folder)
    return CheckpointRecord(folder, state.epoch, state.step, report, state.metrics, notes, run_id, staleness, recipe)


def _report(state: Any) -> InformationReport:
    try:
        # Copies the tensors, so that the mapped file can be closed, or overwritten by a run in progress.
        return InformationReport.from_state(state)
    except ValueError as fault:
        raise UnusableCheckpoint(str(fault)) from fault


def _several(names: Iterable[str]) -> str:
    return f"several monitors left a report ({', '.join(names)}); the first one was read"


def _run_id(states: Iterable[Mapping[str, Any]]) -> str | None:
    courses = [state.get(COURSE_KEY) for state in states]
    ids = [course.get("run_id") for course in courses if isinstance(course, Mapping)]
    return next((each for each in ids if isinstance(each, str)), None)


def _compare_with_weights(
    report: InformationReport | None, step: int | None, weights: object
) -> tuple[str | None, list[str]]:
    """Return why the report is not of these weights, and doubts whether it is.

    Raises:
        UnusableCheckpoint: The weights are not finite.
    """
    if isinstance(weights, Mapping) and (broken := non_finite_weights(weights)):
        raise UnusableCheckpoint(
            f"its weights are not finite ({_first(broken)}): the training has diverged; take an earlier checkpoint"
        )
    if report is None:
        return None, []
    is_earlier = None not in (step, report.step) and step != report.step
    if report.weights is None or not isinstance(weights, Mapping):
        return None, ["the report was measured at another step than the weights"] if is_earlier else []
    differing = differing_weights(weights, report.weights)
    if not differing:
        return None, []
    when = f"measured at step {report.step}, saved at step {step}" if is_earlier else "they changed after it"
    return f"its report is of other weights ({when}; {_first(differing)} differs)", []


def _first(names: list[str]) -> str:
    return repr(names[0]) + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _candidates(place: Path) -> Iterator[Path]:
    if not place.is_dir() or _is_sharded(place):
        yield place
        return
    for name, folders, files in os.walk(place):
        folder = Path(name)
        folders[:] = [name for name in folders if not name.startswith(".")]
        if is_huggingface_folder(folder):
            yield folder
            # A training run keeps its checkpoints in subfolders of its final model; other files belong to the model.
            folders[:] = [name for name in folders if is_huggingface_folder(folder / name)]
            continue
        whole = [name for name in folders if _is_sharded(folder / name)]
        folders[:] = [name for name in folders if name not in whole]
        # os.walk does not follow links.
        whole += [name for name in folders if (folder / name).is_symlink() and is_huggingface_folder(folder / name)]
        found = [name for name in files if name.endswith(SUFFIXES) and not name.startswith(".")]
        yield from (folder / name for name in [*found, *whole])


def _is_sharded(folder: Path) -> bool:
    """Whether a folder is sharded: FSDP writes `meta.pt` and `.metadata`, DeepSpeed `latest` with a folder name."""
    return folder.suffix == ".ckpt" and any((folder / name).exists() for name in ("meta.pt", ".metadata", "latest"))


def _monitored(states: Iterable[Mapping[str, Any]], name: str) -> dict[str, float]:
    """Return the scores of a file from ModelCheckpoint's list of the best files."""
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
