"""Read MNIST from its published IDX files, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Digits", "find_idx", "read_idx", "read_mnist"]

_SIDE = 28  # pixels
_CLASSES = 10
_LAYOUT = (
    "'train-images-idx3-ubyte' and 'train-labels-idx1-ubyte', or 't10k-images-idx3-ubyte' and "
    "'t10k-labels-idx1-ubyte', each plain or ending in '.gz', in the folder itself or, as torchvision stores them, "
    "in its 'MNIST/raw'"
)
_SOURCE = 'LeCun, Cortes and Burges publish them as "The MNIST database of handwritten digits"'


class Digits(NamedTuple):
    """Images and the digits they show.

    Attributes:
        images: uint8 ``[images, 28, 28]``.
        digits: int64 ``[images]``, 0 to 9.
    """

    images: NDArray[np.uint8]
    digits: NDArray[np.int64]


def read_mnist(data_root: Path | None) -> tuple[Digits, Digits]:
    """Read the images for training and the held-out ones, always with the same split.

    If the folder has the 60,000 training images, the last sixth is held out: 50,000 and 10,000, as in the released code
    of the paper. If it has only the 10,000 test images, every fifth is held out: 8,000 and 2,000. It is not the last
    fifth, because the second half of the test set is by other writers than the first.

    Args:
        data_root: Folder with the files, directly or in its ``MNIST/raw``.

    Raises:
        ValueError: Files are missing, damaged, or not MNIST.
    """
    if data_root is None:
        raise FileNotFoundError(f"data_root: a folder with the IDX files of MNIST is required, got None; {_SOURCE}.")
    for part in ("train", "t10k"):
        images = find_idx(data_root, f"{part}-images-idx3-ubyte")
        labels = find_idx(data_root, f"{part}-labels-idx1-ubyte")
        if (images is None) != (labels is None):
            missing = f"{part}-{'images-idx3' if images is None else 'labels-idx1'}-ubyte"
            raise FileNotFoundError(
                f"data_root: both files of a pair are required, beside '{images or labels}' there is no '{missing}' or "
                f"'{missing}.gz'; put it there: {_SOURCE}."
            )
        if images is not None and labels is not None:
            found = _checked(images, labels)
            held_out = np.arange(len(found.images)) % 5 == 4
            if part == "train":
                held_out = np.arange(len(found.images)) >= len(found.images) * 5 // 6
            return _rows(found, ~held_out), _rows(found, held_out)
    raise FileNotFoundError(
        f"data_root: a folder with the IDX files of MNIST is required ({_LAYOUT}), '{data_root}' has no such pair; "
        f"put them there: {_SOURCE}."
    )


def find_idx(folder: Path, name: str) -> Path | None:
    """Find a file, gzipped or not, in the folder or where torchvision stores it; None if there is none."""
    candidates = [place / (name + end) for place in (folder, folder / "MNIST" / "raw") for end in ("", ".gz")]
    return next((path for path in candidates if path.is_file()), None)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one IDX file of bytes: two zeros, the type, the number of axes, their lengths (big-endian), the data.

    Raises:
        ValueError: It cannot be unpacked, is not an IDX file of bytes, or has another length than its header says.

    Reference:
        LeCun, Cortes, Burges: The MNIST database of handwritten digits, section "File formats".
    """
    content = _unpacked(path)
    if content[:3] != b"\0\0\x08":
        raise ValueError(
            f"mnist: IDX files of unsigned bytes are required, '{path}' is none: it begins with {content[:4]!r}; "
            "download it again."
        )
    axes = content[3] if len(content) > 3 else 0
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(content[place : place + 4], "big") for place in range(4, start, 4))
    if len(content) != start + math.prod(shape):
        raise ValueError(
            f"mnist: an IDX file of {start + math.prod(shape)} bytes is required for the shape {list(shape)} in its "
            f"head, '{path}' has {len(content)}; download it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _unpacked(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
        raise ValueError(
            f"mnist: a whole gzip file is required, '{path}' cannot be unpacked ({fault}); download it again."
        ) from fault


def _checked(images_path: Path, labels_path: Path) -> Digits:
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.shape[1:] != (_SIDE, _SIDE):
        raise ValueError(
            f"mnist: images of shape [images, {_SIDE}, {_SIDE}] are required, '{images_path}' holds "
            f"{list(images.shape)}; take the files of MNIST."
        )
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"mnist: one label for each of the {len(images)} images is required, '{labels_path}' holds "
            f"{list(labels.shape)}; take both files from the same set."
        )
    if labels.size and labels.max() >= _CLASSES:
        raise ValueError(
            f"mnist: labels from 0 to {_CLASSES - 1} are required, '{labels_path}' holds {labels.max()}; "
            "take the files of MNIST."
        )
    return Digits(images, labels.astype(np.int64))


def _rows(found: Digits, rows: NDArray[np.bool_]) -> Digits:
    return Digits(found.images[rows], found.digits[rows])
