"""A fact as JSON can hold it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence, Set
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any

from lightning_infomem._errors import UsageTypeError

__all__ = ["plain_value"]


def plain_value(value: Any) -> Any:
    """Turn a fact into dictionaries, lists, strings and numbers, for ``json.dumps(..., allow_nan=False)``.

    Args:
        value: A number, string, path, mapping, sequence, set, array, tensor or dataclass, or any nesting of these.

    Returns:
        The same in plain types. A number that is not finite becomes None, a path its name.

    >>> plain_value({"path": PurePath("a.ckpt"), "interval": (0.5, math.nan)})
    {'path': 'a.ckpt', 'interval': [0.5, None]}
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain_value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain_value(part) for name, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain_value(value._asdict())
    if hasattr(value, "tolist"):  # a tensor or an array
        return plain_value(value.tolist())
    if isinstance(value, Set):
        return [plain_value(part) for part in sorted(value)]
    if isinstance(value, Sequence):
        return [plain_value(part) for part in value]
    raise UsageTypeError(
        f"value: what JSON can hold is required, got {type(value).__name__} {value!r}; convert it first."
    )
