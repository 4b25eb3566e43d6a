"""What a cached report depends on, told apart by content: files, data, settings, code and networks."""

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

_CHUNK = 2**22  # bytes read at once


def digest(value: object) -> str:
    """SHA-256 of a value: of tensors the bytes, of mappings and sequences all entries, of other objects their pickle.

    An iterable, such as a DataLoader, is gone through once.

    Args:
        value: anything of which an equal content shall have an equal digest.

    Raises:
        TypeError: something in it cannot be pickled.

    >>> digest([torch.zeros(2), "a"]) == digest([torch.zeros(2), "a"])
    True
    >>> digest([torch.zeros(2)]) == digest([torch.zeros(1, 2)])
    False
    """
    state = hashlib.sha256()
    _feed(state, value)
    return state.hexdigest()


def digest_files(files: Iterable[Path]) -> str:
    """SHA-256 of the names and bytes of files; one file counts without its name, which a copy may change.

    Raises:
        OSError: a file cannot be read.
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
    """SHA-256 of what a function does, as far as its own code, defaults and enclosed values say it.

    Of an object that is called it is the code of its class and its plain attributes. Functions that it calls in turn
    are known by name only.
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
        owner = getattr(function, "__self__", None)  # of a method
        return digest([_code(code), cells, [_plain(value) for value in defaults], _attributes(owner)])
    inner = getattr(function, "func", None)  # of functools.partial
    if callable(inner):
        arguments = (*getattr(function, "args", ()), *getattr(function, "keywords", {}).items())
        return digest([digest_function(inner), [_plain(value) for value in arguments]])
    code = getattr(type(function).__call__, "__code__", None)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return digest([name, [] if code is None else _code(code), _attributes(function)])


def digest_network(network: nn.Module) -> str:
    """SHA-256 of the structure of a network: classes, their forward code and plain attributes; not of its weights."""
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
    """Every part goes in with its kind and length, so that no two contents run together."""
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
        except Exception as fault:  # whatever an object does when it is pickled
            raise TypeError(f"a {type(value).__name__} that cannot be told apart by its content ({fault})") from fault
        state.update(f"object {len(words)}:".encode() + words)


def _code(code: CodeType) -> list[object]:
    constants = [_code(part) if isinstance(part, CodeType) else _plain(part) for part in code.co_consts]
    return [code.co_code, constants, list(code.co_names)]


def _attributes(thing: object) -> list[object]:
    """Plain public attributes; the mode of a network is not its structure."""
    names = sorted(name for name in getattr(thing, "__dict__", ()) if name[:1] != "_" and name != "training")
    return [[name, vars(thing)[name]] for name in names if _is_plain(vars(thing)[name])]


def _plain(value: object) -> object:
    """The value, if it is plain; of a function its code, of others the name: an address differs in every process."""
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
