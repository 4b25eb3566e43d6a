"""Load weight files of any origin into one layout, without running code from them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from lightning_infomem._errors import UsageValueError
from lightning_infomem.checkpoints.numpy_values import NUMPY_VALUES

__all__ = ["SUFFIXES", "UnusableCheckpoint", "load_weight_file"]

_SAFETENSORS = ".safetensors"
SUFFIXES = (".ckpt", ".pt", ".pth", ".bin", _SAFETENSORS)
# Keys under which training loops store the weights: Lightning's, the one of torch's tutorial, and a frequent one.
_WEIGHT_KEYS = ("state_dict", "model_state_dict", "model")


class UnusableCheckpoint(UsageValueError):
    """A checkpoint that is invalid, damaged, or unsafe to read; the message says which and what to do."""


def load_weight_file(path: Path) -> dict[str, Any]:
    """Load one file on the CPU; tensors are memory-mapped, not copied, if the format allows it.

    Args:
        path: Path of a torch or safetensors file; the suffix determines the format.

    Returns:
        The contents of the file, with the weights under "state_dict", also for a file of weights alone. A file with an
        unknown layout is returned as it is, without that key.

    Raises:
        UnusableCheckpoint: The file cannot be loaded; the message says why and what to do.
    """
    loaded = _load_safetensors(path) if path.suffix == _SAFETENSORS else _load_torch(path)
    if not isinstance(loaded, dict):
        raise UnusableCheckpoint(f"no checkpoint: a dict is required, the file contains a {type(loaded).__name__}")
    if _is_weights(loaded):
        return {"state_dict": loaded}
    if "param_groups" in loaded and "state" in loaded:
        raise UnusableCheckpoint("the state of an optimizer, not of a network; leave it out")
    for key in _WEIGHT_KEYS:
        if _is_weights(loaded.get(key)):
            return {**loaded, "state_dict": loaded[key]}
    return loaded


def _is_weights(value: object) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    return all(isinstance(name, str) and isinstance(part, Tensor) for name, part in value.items())


def _load_torch(path: Path) -> Any:
    def load() -> Any:
        # Only the zip format of torch >= 1.6 can be memory-mapped.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))

    try:
        try:
            return load()
        except UnpicklingError:
            with safe_globals(NUMPY_VALUES):
                return load()
    except OSError as fault:
        raise UnusableCheckpoint(f"cannot be opened ({fault.strerror or fault})") from fault
    except Exception as fault:  # the unpickler raises almost anything on bytes that are not a pickle
        raise UnusableCheckpoint(_why_unreadable(path, fault)) from fault


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ModuleNotFoundError as fault:
        raise UnusableCheckpoint(
            "reading it requires the package safetensors, which is not installed; pip install safetensors"
        ) from fault
    try:
        return load_file(path)
    except OSError as fault:
        raise UnusableCheckpoint(f"cannot be opened ({fault.strerror or fault})") from fault
    except SafetensorError as fault:
        raise UnusableCheckpoint(
            f"not a safetensors file, or damaged or half written ({fault}); save it again or remove it"
        ) from fault


def _why_unreadable(path: Path, fault: Exception) -> str:
    with open(path, "rb") as file:
        is_archive = file.read(4) == b"PK\x03\x04"
    if not is_archive:
        return f"not a torch checkpoint, or damaged ({type(fault).__name__}); save it again or remove it"
    if not zipfile.is_zipfile(path):  # the directory of a zip file is at its end
        return "truncated or only half written: the end of the file is missing; wait until it is saved, or remove it"
    try:
        offenders = get_unsafe_globals_in_checkpoint(path)
    except Exception:  # the unpickler may raise anything, as above
        offenders = []
    read_by_us = {use[1] for use in NUMPY_VALUES if isinstance(use, tuple)}
    # A class that no name in the file announces is known only now.
    offenders = sorted({*offenders} - read_by_us) or re.findall(r"but got <class '([\w.]+)'>", str(fault))
    if not offenders:
        return f"not a torch checkpoint, or damaged ({str(fault).splitlines()[0][:120]}); save it again or remove it"
    return (
        f"loading it would run code: it holds {', '.join(offenders)}; if you trust the file, allow these: "
        f"torch.serialization.add_safe_globals([{', '.join(offenders)}]), or on the command line --allow "
        + " ".join(offenders)
    )
