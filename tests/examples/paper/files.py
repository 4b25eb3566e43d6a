"""Small files in the layouts in which the data sets are published."""

import gzip
import io
import pickle
import struct
import types

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


class Python2Pickler(pickle._Pickler):
    """Writes what Python 2 wrote, and CIFAR's files are: byte strings, and numpy's old names."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_byte_string(self, value):
        content = value.encode() if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_byte_string

    def save_reduce(self, func, args, *rest, obj=None, **named):
        if isinstance(obj, np.dtype):
            args = (args[0], 0, 1)  # Python 2 had no booleans here
        super().save_reduce(func, args, *rest, obj=obj, **named)

    def save_global(self, value, name=None):
        module = "numpy.core.multiarray" if value.__name__ == "_reconstruct" else value.__module__
        self.write(pickle.GLOBAL + f"{module}\n{value.__name__}\n".encode())
        self.memoize(value)

    dispatch[type] = dispatch[types.BuiltinFunctionType] = save_global


def python2_pickle(value):
    stream = io.BytesIO()
    Python2Pickler(stream, protocol=2).dump(value)
    return stream.getvalue()


def cifar_batch(count, seed):
    generator = np.random.default_rng(seed)
    return {
        "filenames": [f"image_{place}.png" for place in range(count)],
        "batch_label": "training batch 1 of 1",
        "fine_labels": generator.integers(0, 100, count).tolist(),
        "coarse_labels": generator.integers(0, 20, count).tolist(),
        "data": generator.integers(0, 256, (count, 3072), dtype=np.uint8),
    }


def write_cifar(folder, counts=(60, 20)):
    """Both batches in the folder; returns them."""
    (folder / "cifar-100-python").mkdir(parents=True)
    batches = [cifar_batch(count, seed) for seed, count in enumerate(counts)]
    for part, batch in zip(("train", "test"), batches, strict=True):
        (folder / "cifar-100-python" / part).write_bytes(python2_pickle(batch))
    return batches
