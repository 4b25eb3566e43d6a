"""Read checkpoint folders of Hugging Face's Trainer and `save_pretrained`, without importing transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lightning_infomem.checkpoints.recipe import Recipe, select_plain
from lightning_infomem.checkpoints.weight_files import UnusableCheckpoint, load_weight_file

__all__ = [
    "REPORT_FILE",
    "TrainingState",
    "is_huggingface_folder",
    "load_folder",
    "read_folder_recipe",
    "read_training_state",
    "report_files",
    "weight_files_of",
]

# Written next to the weights by `MemorizationTrainerCallback`: a mapping with the report under REPORT_KEY. A callback
# whose prefix is not the default adds it to the name.
REPORT_FILE = "infomem_report.pt"

_CONFIG, _STATE = "config.json", "trainer_state.json"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # transformers prefers them in this order
_INDEX = ".index.json"  # suffix of the index of sharded weights
# Endings of the timing entries of an evaluation.
_TIMES = ("_runtime", "_per_second", "_time")
# Entries of the trainer state that say how the network was trained.
_SETTINGS = ("train_batch_size", "num_train_epochs", "max_steps")


class TrainingState(NamedTuple):
    """Epoch, step and metrics from ``trainer_state.json`` at the time of the checkpoint."""

    epoch: int | None = None
    step: int | None = None
    metrics: Mapping[str, float] = {}
    notes: tuple[str, ...] = ()


def report_files(folder: Path) -> list[Path]:
    """Return the files that callbacks left next to the weights, that of the default prefix first."""
    stem, suffix = REPORT_FILE.split(".")
    return sorted(folder.glob(f"{stem}*.{suffix}"), key=lambda path: (path.name != REPORT_FILE, path.name))


def is_huggingface_folder(folder: Path) -> bool:
    """Whether the folder is a checkpoint: weights named as by transformers, with a configuration or trainer state.

    A ``checkpoint-500`` without such weights counts too, so that it is reported as skipped with the reason.
    """
    present = [name for name in _WEIGHTS if (folder / name).is_file()]
    if any((folder / (name + _INDEX)).is_file() for name in _WEIGHTS):
        return True
    if not present:
        return folder.name.startswith("checkpoint-") and (folder / _STATE).is_file()
    return (folder / _CONFIG).is_file() or (folder / _STATE).is_file()


def weight_files_of(folder: Path) -> list[Path]:
    """Return the files that hold the weights.

    Raises:
        UnusableCheckpoint: There are no such files, one is missing, or the checkpoint is sharded.
    """
    for name in _WEIGHTS:
        if (folder / name).is_file():
            return [folder / name]
        index = folder / (name + _INDEX)
        if index.is_file():
            try:
                shards = sorted({str(shard) for shard in _read_json(index)["weight_map"].values()})
            except (AttributeError, KeyError, OSError, ValueError) as fault:
                raise UnusableCheckpoint(f"its {index.name} cannot be read ({fault}); save it again") from fault
            if any(Path(shard).name != shard for shard in shards):
                raise UnusableCheckpoint(f"its {index.name} names files outside the folder; save it again")
            missing = [shard for shard in shards if not (folder / shard).is_file()]
            if missing:
                raise UnusableCheckpoint(
                    f"{len(missing)} of its {len(shards)} weight files are missing ({missing[0]}); "
                    "wait until it is saved, or remove it"
                )
            return [folder / shard for shard in shards]
    if any((folder / name).exists() for name in ("latest", "zero_to_fp32.py")):
        raise UnusableCheckpoint(
            f"a sharded DeepSpeed checkpoint; convert it to one file: python '{folder / 'zero_to_fp32.py'}'"
        )
    if any((folder / name).exists() for name in ("meta.pt", ".metadata")):
        raise UnusableCheckpoint(
            "a sharded checkpoint; convert it to one file: "
            f"python -m lightning.pytorch.utilities.consolidate_checkpoint '{folder}'"
        )
    raise UnusableCheckpoint(
        f"has no weights: one of {', '.join(_WEIGHTS)} or their {_INDEX} is required; wait until it is saved, "
        "or convert a sharded checkpoint to one file"
    )


def load_folder(folder: Path) -> dict[str, Any]:
    """Load the weights of all files under "state_dict" and the contents of ``config.json`` under "config".

    Raises:
        UnusableCheckpoint: A file is missing or cannot be read.
    """
    weights: dict[str, Any] = {}
    for file in weight_files_of(folder):
        try:
            part = load_weight_file(file).get("state_dict")
        except UnusableCheckpoint as fault:
            raise UnusableCheckpoint(f"its {file.name}: {fault}") from fault
        if not isinstance(part, Mapping):
            raise UnusableCheckpoint(f"its {file.name} contains no weights; save it again")
        weights |= part
    loaded: dict[str, Any] = {"state_dict": weights}
    try:
        loaded["config"] = _read_json(folder / _CONFIG)
    except FileNotFoundError:
        pass  # the Trainer writes none for networks from outside transformers
    except (OSError, ValueError) as fault:
        raise UnusableCheckpoint(f"its {_CONFIG} cannot be read ({fault}); save it again") from fault
    return loaded


def read_training_state(folder: Path) -> TrainingState:
    """Read epoch, step and the evaluation at exactly that step; an unreadable file gives a note instead."""
    try:
        state = _read_json(folder / _STATE)
        epoch, step = state.get("epoch"), state.get("global_step")
        metrics: dict[str, float] = {}
        for entry in state.get("log_history") or ():
            if entry.get("step") == step:
                metrics |= {name: float(value) for name, value in entry.items() if _is_metric(name, value)}
        return TrainingState(None if epoch is None else int(epoch), step if isinstance(step, int) else None, metrics)
    except FileNotFoundError:
        return TrainingState()  # `save_pretrained` writes none
    except (AttributeError, OSError, TypeError, ValueError) as fault:
        return TrainingState(notes=(f"its {_STATE} cannot be read ({fault})",))


def read_folder_recipe(folder: Path) -> Recipe:
    """Read how the network was trained, as far as texts in the folder say it.

    Returns:
        Name -> value, as `select_plain` selects them: the entries of ``config.json`` whose names contain "dropout" or
        "pdrop", and ``train_batch_size``, ``num_train_epochs`` and ``max_steps`` of ``trainer_state.json``. Nothing of
        a file that cannot be read; `load_folder` and `read_training_state` tell of it.
    """
    found: dict[str, Any] = {}
    for name, is_chosen in ((_CONFIG, _is_dropout), (_STATE, _SETTINGS.__contains__)):
        try:
            entries = _read_json(folder / name)
            found |= {name: value for name, value in entries.items() if is_chosen(name)}
        except (AttributeError, OSError, RecursionError, ValueError):
            continue
    return select_plain(found)


def _is_dropout(name: str) -> bool:
    # GPT-2 and its kin write "pdrop".
    return "dropout" in name or "pdrop" in name


def _is_metric(name: str, value: object) -> bool:
    """Whether an entry is a metric to keep; names with a slash are our own measures, which the ranking shows anyway."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and name.startswith("eval_") and "/" not in name and not name.endswith(_TIMES)


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
