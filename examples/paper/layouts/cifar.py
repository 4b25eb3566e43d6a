"""Read CIFAR-100 from its "python version": pickled batches, in a folder or in the published archive."""

from __future__ import annotations

import io
import pickle
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Images", "read_cifar100"]

_FOLDER, _ARCHIVE = "cifar-100-python", "cifar-100-python.tar.gz"
_CLASSES = 100
_PIXELS = 3 * 32 * 32
_SOURCE = 'Krizhevsky publishes it as "CIFAR-100 python version"'


class Images(NamedTuple):
    """Images and their classes.

    Attributes:
        images: uint8 ``[images, 3, 32, 32]``.
        labels: int64 ``[images]``, 0 to 99, the fine labels.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def read_cifar100(data_root: Path | None) -> tuple[Images, Images]:
    """Read the 50,000 training images and the 10,000 test images.

    Args:
        data_root: Folder with ``cifar-100-python/train`` and ``test``, or with ``cifar-100-python.tar.gz``.

    Raises:
        ValueError: A file is missing, damaged or not CIFAR-100, or its pickle asks for more than plain values and
            arrays, which is refused.
    """
    if data_root is None:
        raise FileNotFoundError(f"data_root: a folder with CIFAR-100 is required, got None; {_SOURCE}.")
    if (data_root / _FOLDER).is_dir():
        contents = {part: _content(data_root / _FOLDER / part) for part in ("train", "test")}
    elif (data_root / _ARCHIVE).is_file():
        contents = _unpacked(data_root / _ARCHIVE)
    else:
        raise FileNotFoundError(
            f"data_root: a folder with '{_FOLDER}/train' and '{_FOLDER}/test', or with '{_ARCHIVE}', is required, "
            f"'{data_root}' has neither; put one there: {_SOURCE}."
        )
    return _images(contents["train"], f"{_FOLDER}/train"), _images(contents["test"], f"{_FOLDER}/test")


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"cifar: the file '{path}' is required, there is none; put it there: {_SOURCE}.")
    return path.read_bytes()


def _unpacked(archive: Path) -> dict[str, bytes]:
    """Read both batches of the archive in memory, without writing any file."""
    contents = {}
    try:
        with tarfile.open(archive, "r:gz") as members:
            for part in ("train", "test"):
                member = members.extractfile(f"{_FOLDER}/{part}")
                contents[part] = b"" if member is None else member.read()
    except KeyError as fault:
        raise ValueError(
            f"cifar: an archive with '{_FOLDER}/train' and '{_FOLDER}/test' is required, '{archive}' lacks one "
            f"({fault.args[0]}); download it again."
        ) from fault
    except (tarfile.TarError, EOFError, OSError, zlib.error) as fault:
        raise ValueError(
            f"cifar: a whole archive is required, '{archive}' cannot be unpacked ({fault}); download it again."
        ) from fault
    return contents


def _images(content: bytes, name: str) -> Images:
    try:
        batch = _PlainUnpickler(io.BytesIO(content), encoding="bytes").load()
    except _Refused as fault:
        raise ValueError(
            f"cifar: a pickle of plain values and arrays is required, '{name}' asks for {fault}, which CIFAR-100 does "
            "not; it is not opened: download it again."
        ) from fault
    # A damaged pickle can raise almost any error.
    except Exception as fault:
        raise ValueError(
            f"cifar: a whole pickle is required, '{name}' cannot be read ({type(fault).__name__}: {fault}); "
            "download it again."
        ) from fault
    if not isinstance(batch, dict) or not {b"data", b"fine_labels"} <= batch.keys():
        came = sorted(map(str, batch)) if isinstance(batch, dict) else type(batch).__name__
        raise ValueError(
            f"cifar: a batch with b'data' and b'fine_labels' is required, '{name}' holds {came}; take the python "
            "version of CIFAR-100."
        )
    data, labels = batch[b"data"], batch[b"fine_labels"]
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != _PIXELS:
        came = f"{data.dtype} of shape {list(data.shape)}" if isinstance(data, np.ndarray) else type(data).__name__
        raise ValueError(
            f"cifar: images as uint8 of shape [images, {_PIXELS}] are required, '{name}' holds {came}; take the "
            "python version of CIFAR-100."
        )
    if not isinstance(labels, list) or len(labels) != len(data):
        came = f"{len(labels)}" if isinstance(labels, list) else type(labels).__name__
        raise ValueError(
            f"cifar: a list of labels, one for each of the {len(data)} images, is required, '{name}' holds {came}; "
            "download it again."
        )
    wrong = [label for label in labels if type(label) is not int or not 0 <= label < _CLASSES]
    if wrong:
        raise ValueError(
            f"cifar: labels from 0 to {_CLASSES - 1} are required, '{name}' holds {wrong[0]!r}; take the python "
            "version of CIFAR-100."
        )
    return Images(data.reshape(-1, 3, 32, 32), np.array(labels, np.int64))


class _Refused(Exception):
    """The pickle asks for something that is refused."""


def _empty_array(kind: object, shape: object, code: object) -> NDArray[Any]:
    return np.empty(0, np.uint8)  # numpy's pickles create an empty array and fill it afterwards


def _data_type(code: bytes | str, align: object = False, copy: object = False) -> np.dtype[Any]:
    # The published files have 0 and 1 for the last two, about which newer numpy warns.
    return np.dtype({b"u1": "u1", "u1": "u1"}[code])


class _PlainUnpickler(pickle.Unpickler):
    """Load containers, numbers, strings and numpy arrays of bytes only, because anything else could run code."""

    _KNOWN: ClassVar[dict[tuple[str, str], Callable[..., Any]]] = {
        ("numpy.core.multiarray", "_reconstruct"): _empty_array,
        ("numpy._core.multiarray", "_reconstruct"): _empty_array,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): _data_type,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._KNOWN:
            raise _Refused(f"'{module}.{name}'")
        return self._KNOWN[module, name]
