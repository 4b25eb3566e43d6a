"""The images of the zoos: scikit-learn's digits, and MNIST from the usual IDX files."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from examples.paper.layouts.idx import find_idx, read_idx

__all__ = ["SIDES", "load_images"]

SIDES = {"digits": 8, "mnist": 14}  # pixels
_NUM_MNIST = 10_000


@functools.cache
def load_images(name: str, mnist: Path | None) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Load images between 0 and 1, ``[images, side, side]``, and the digits they show, ``[images]``.

    Args:
        name: "digits" or "mnist".
        mnist: Folder with the IDX files, gzipped or not. 10,000 images of MNIST are used, each pooled to 14 x 14. They
            are the test set if the folder has it, so that everyone gets the same numbers, else the first training
            images.
    """
    if name == "digits":
        images, digits = load_digits(return_X_y=True)
        return (images / 16).reshape(-1, 8, 8).astype(np.float32), digits.astype(np.int64)
    if mnist is None:
        raise ValueError("mnist: a folder with the IDX files of MNIST is required, got None; name it with --mnist.")
    part = "train" if find_idx(mnist, "t10k-images-idx3-ubyte") is None else "t10k"
    images = _read_named(mnist, f"{part}-images-idx3-ubyte")[:_NUM_MNIST]
    digits = _read_named(mnist, f"{part}-labels-idx1-ubyte")[:_NUM_MNIST]
    pooled = images.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255
    return pooled.astype(np.float32), digits.astype(np.int64)


def _read_named(folder: Path, name: str) -> NDArray[np.uint8]:
    found = find_idx(folder, name)
    if found is None:
        raise ValueError(f"mnist: a folder with '{name}' or '{name}.gz' is required, '{folder}' has none; check it.")
    return read_idx(found)
