"""Small files in the layouts in which the data sets are published."""

import gzip

import numpy as np


def idx_bytes(array):
    return b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_mnist(folder, count, *, part="train", end="", seed=0):
    """Random pixels, none of them 0 or 255, and digits; returns both."""
    generator = np.random.default_rng(seed)
    images = generator.integers(1, 255, (count, 28, 28), dtype=np.uint8)
    digits = generator.integers(0, 10, count, dtype=np.uint8)
    write_idx(folder / f"{part}-images-idx3-ubyte{end}", images)
    write_idx(folder / f"{part}-labels-idx1-ubyte{end}", digits)
    return images, digits
