"""Read numpy's numbers and arrays in a checkpoint, such as hyperparameters of a sweep, without running code from it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from lightning_infomem._errors import UsageValueError

__all__ = ["NUMPY_VALUES"]

# Booleans, integers, floats, complex numbers, and text; no objects, records or dates.
_PLAIN_KINDS = re.compile(r"[biufcSU][1-9][0-9]*")


class _Kind:
    """Takes the place of ``numpy.dtype``, whose state a file could set to anything."""

    def __init__(self, name: object, *_: object) -> None:
        if not isinstance(name, str) or not _PLAIN_KINDS.fullmatch(name):
            raise UsageValueError(f"numbers or text of numpy are required, got its kind {name!r}")
        self.dtype: np.dtype[Any] = np.dtype(name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])

    def check(self, data: object, count: int) -> None:
        """Require the bytes of so many values, because numpy would read or reserve others."""
        if not isinstance(data, bytes) or len(data) != count * self.dtype.itemsize:
            raise UsageValueError(f"{count} values of {self.dtype.itemsize} bytes are required, got others")


class _Array(np.ndarray):
    """Takes the place of ``numpy.ndarray``, and is one."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, is_fortran, data = state
        if not all(isinstance(size, int) and size >= 0 for size in shape):
            raise UsageValueError(f"a shape is required, got {shape!r}")
        kind.check(data, math.prod(shape))
        state = (1, tuple(shape), kind.dtype, bool(is_fortran), data)
        super().__setstate__(state)  # type: ignore[arg-type]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.view(np.ndarray).__reduce_ex__(protocol)  # copies and what is saved again are numpy's own


def _scalar(kind: _Kind, data: bytes) -> Any:
    kind.check(data, 1)
    return np.frombuffer(data, kind.dtype)[0]


def _array(*_: object) -> _Array:
    return _Array(0)


# For `torch.serialization.safe_globals`: what takes the place of which name in a file, for numpy 2 and numpy 1.
NUMPY_VALUES: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (_Kind, "numpy.dtype"),
    (_Array, "numpy.ndarray"),
    (_scalar, "numpy._core.multiarray.scalar"),
    (_scalar, "numpy.core.multiarray.scalar"),
    (_array, "numpy._core.multiarray._reconstruct"),
    (_array, "numpy.core.multiarray._reconstruct"),
]
