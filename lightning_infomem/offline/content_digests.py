"""Digests of everything a cached report depends on: files, data, settings, code and networks."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["digest", "digest_files", "digest_function", "digest_network"]

_CHUNK = 2**22  # bytes per read


def digest(value: object) -> str:
    """Return the SHA-256 of a value: the bytes of tensors, the entries of containers, the pickle of other objects.

    An iterable, such as a DataLoader, is traversed once.

    Args:
        value: Value to digest; equal contents give equal digests.

    Raises:
        TypeError: Part of the value cannot be pickled.

    >>> digest([torch.zeros(2), "a"]) == digest([torch.zeros(2), "a"])
    True
    >>> digest([torch.zeros(2)]) == digest([torch.zeros(1, 2)])
    False
    """
    state = hashlib.sha256()
    _feed(state, value)
    return state.hexdigest()


def digest_files(files: Iterable[Path]) -> str:
    """Return the SHA-256 of the names and bytes of files; a single file's name, which a copy may change, is left out.

    Raises:
        OSError: A file cannot be read.
    """
    files = list(files)
    state = hashlib.sha256()
    for path in files:
        if len(files) > 1:
            state.update(f"{path.name}:{path.stat().st_size}:".encode())
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                state.update(chunk)
    return state.hexdigest()


def digest_function(function: Callable[..., object]) -> str:
    """Return the SHA-256 of a function's code, defaults and enclosed values.

    For a callable object, the code of its class and its plain attributes are used. Functions called within count by
    name only.
    """
    if isinstance(function, nn.Module):
        return digest_network(function)
    code = getattr(function, "__code__", None)
    if code is not None:
        cells = [_plain(cell.cell_contents) for cell in getattr(function, "__closure__", None) or () if _is_full(cell)]
        defaults = [
            *(getattr(function, "__defaults__", None) or ()),
            *(getattr(function, "__kwdefaults__", None) or {}).items(),
        ]
        owner = getattr(function, "__self__", None)  # set on methods
        return digest([_code(code), cells, [_plain(value) for value in defaults], _attributes(owner)])
    inner = getattr(function, "func", None)  # set on functools.partial
    if callable(inner):
        arguments = (*getattr(function, "args", ()), *getattr(function, "keywords", {}).items())
        return digest([digest_function(inner), [_plain(value) for value in arguments]])
    code = getattr(type(function).__call__, "__code__", None)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return digest([name, [] if code is None else _code(code), _attributes(function)])


def digest_network(network: nn.Module) -> str:
    """Return the SHA-256 of a network's structure: classes, forward code and plain attributes, but not its weights."""
    parts = []
    for name, module in network.named_modules():
        code = getattr(type(module).forward, "__code__", None)
        parts.append(
            [
                name,
                f"{type(module).__module__}.{type(module).__qualname__}",
                module.extra_repr(),
                [] if code is None else _code(code),
                _attributes(module),
            ]
        )
    shapes = [[name, list(parameter.shape)] for name, parameter in network.named_parameters() if _has_shape(parameter)]
    return digest([parts, shapes])


def _feed(state: Any, value: object) -> None:
    """Hash every part with its kind and length, so that different contents cannot run together."""
    if isinstance(value, Tensor):
        try:
            dense = value.detach() if value.layout is torch.strided else value.detach().to_dense()
            plain = dense.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8).numpy()
        except (NotImplementedError, RuntimeError) as fault:
            raise TypeError(f"a {value.dtype} tensor on {value.device} whose bytes cannot be read ({fault})") from fault
        state.update(f"tensor {value.dtype} {list(value.shape)}:".encode())
        state.update(plain.data)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        state.update(f"array {value.dtype.str} {value.shape}:".encode())
        state.update(np.ascontiguousarray(value).tobytes())
    elif value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        words = repr(value).encode()
        state.update(f"{type(value).__name__} {len(words)}:".encode() + words)
    elif isinstance(value, Mapping):
        state.update(f"mapping {len(value)}:".encode())
        for key, part in value.items():
            _feed(state, key)
            _feed(state, part)
    elif isinstance(value, Iterable):
        state.update(b"items:")
        for part in value:
            _feed(state, part)
        state.update(b"end:")
    else:
        try:
            words = pickle.dumps(value)
        except Exception as fault:  # objects can raise anything when pickled
            raise TypeError(f"a {type(value).__name__} that cannot be identified by its content ({fault})") from fault
        state.update(f"object {len(words)}:".encode() + words)


def _code(code: CodeType) -> list[object]:
    constants = [_code(part) if isinstance(part, CodeType) else _plain(part) for part in code.co_consts]
    return [code.co_code, constants, list(code.co_names)]


def _attributes(thing: object) -> list[object]:
    """Return the plain public attributes, except the training mode, which is not part of the structure."""
    names = sorted(name for name in getattr(thing, "__dict__", ()) if name[:1] != "_" and name != "training")
    return [[name, vars(thing)[name]] for name in names if _is_plain(vars(thing)[name])]


def _plain(value: object) -> object:
    """Return a plain value itself, a function's code, or else the type name, since addresses differ by process."""
    if _is_plain(value):
        return value
    code = getattr(value, "__code__", None)
    if code is not None:
        return _code(code)
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(part) for part in value)
    return value is None or isinstance(value, (bool, int, float, complex, str, bytes, Tensor))


def _is_full(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _has_shape(parameter: nn.Parameter) -> bool:
    return not isinstance(parameter, nn.parameter.UninitializedParameter)
