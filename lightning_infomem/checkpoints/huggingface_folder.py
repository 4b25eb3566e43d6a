"""Folders in which Hugging Face's Trainer and `save_pretrained` keep a checkpoint, read without transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lightning_infomem.checkpoints.weight_files import UnusableCheckpoint, load_weight_file

__all__ = [
    "REPORT_FILE",
    "TrainingState",
    "is_huggingface_folder",
    "load_folder",
    "read_training_state",
    "weight_files_of",
]

# Beside the weights, by `MemorizationTrainerCallback`; a mapping with the report under REPORT_KEY.
REPORT_FILE = "infomem_report.pt"

_CONFIG, _STATE = "config.json", "trainer_state.json"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # transformers prefers them in this order
_INDEX = ".index.json"  # of weights that were split over several files
# Entries of an evaluation that say how long it took.
_TIMES = ("_runtime", "_per_second", "_time")


class TrainingState(NamedTuple):
    """What ``trainer_state.json`` says of the moment of this checkpoint."""

    epoch: int | None = None
    step: int | None = None
    metrics: Mapping[str, float] = {}
    notes: tuple[str, ...] = ()


def is_huggingface_folder(folder: Path) -> bool:
    """Whether the folder is one checkpoint: weights by the names of transformers, and what says how to read them.

    A ``checkpoint-500`` without weights by these names counts too, so that it is named as skipped with the reason.
    """
    present = [name for name in _WEIGHTS if (folder / name).is_file()]
    if any((folder / (name + _INDEX)).is_file() for name in _WEIGHTS):
        return True
    if not present:
        return folder.name.startswith("checkpoint-") and (folder / _STATE).is_file()
    return (folder / _CONFIG).is_file() or (folder / _STATE).is_file()


def weight_files_of(folder: Path) -> list[Path]:
    """The files that hold the weights, all of them present.

    Raises:
        UnusableCheckpoint: there are none, or one is missing.
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
                    f"{len(missing)} of its {len(shards)} files of weights are missing ({missing[0]}); "
                    "wait until it is saved, or remove it"
                )
            return [folder / shard for shard in shards]
    if (folder / "zero_to_fp32.py").exists():
        raise UnusableCheckpoint(
            f"a sharded DeepSpeed checkpoint; make one file of it: python '{folder / 'zero_to_fp32.py'}'"
        )
    raise UnusableCheckpoint(
        f"has no weights: one of {', '.join(_WEIGHTS)} or their {_INDEX} is required; wait until it is saved, "
        "or of a sharded checkpoint make one file"
    )


def load_folder(folder: Path) -> dict[str, Any]:
    """Load the weights of all files under "state_dict", and what ``config.json`` says under "config".

    Raises:
        UnusableCheckpoint: a file is missing or cannot be read.
    """
    weights: dict[str, Any] = {}
    for file in weight_files_of(folder):
        try:
            part = load_weight_file(file).get("state_dict")
        except UnusableCheckpoint as fault:
            raise UnusableCheckpoint(f"its {file.name}: {fault}") from fault
        if not isinstance(part, Mapping):
            raise UnusableCheckpoint(f"its {file.name} holds no weights; save it again")
        weights |= part
    loaded: dict[str, Any] = {"state_dict": weights}
    try:
        loaded["config"] = _read_json(folder / _CONFIG)
    except FileNotFoundError:
        pass  # the Trainer writes none for a network that is not of transformers
    except (OSError, ValueError) as fault:
        raise UnusableCheckpoint(f"its {_CONFIG} cannot be read ({fault}); save it again") from fault
    return loaded


def read_training_state(folder: Path) -> TrainingState:
    """Epoch, step, and the evaluation of exactly that step; a note where there is a file that cannot be read."""
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


def _is_metric(name: str, value: object) -> bool:
    """Names with a slash are our own measures, which the ranking shows anyway."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and name.startswith("eval_") and "/" not in name and not name.endswith(_TIMES)


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
