"""Import a user's function by its path ``package.module:function``."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

from lightning_infomem._errors import UsageValueError

__all__ = ["import_function"]


def import_function(path: str, *, option: str, num_arguments: int = 0) -> Callable[..., Any]:
    """Import a function or class, including from modules in the current working directory.

    Args:
        path: Import path ``module:function``; the part after the colon may contain dots.
        option: Command-line option that gave the path, for error messages.
        num_arguments: Number of arguments it will be called with.

    Raises:
        ValueError: The path is malformed, the module or function does not exist, or it cannot be called so.
        Exception: Any error raised by importing the module.
    """
    name, _, attribute = path.partition(":")
    if not name or not attribute or name.startswith("."):
        raise UsageValueError(
            f"{option}: a path module:function is required, got {path!r}; write, for example, "
            "my_package.my_module:make."
        )
    folder = os.getcwd()
    if folder not in sys.path:  # as python -m does; a console script has its own folder there instead
        sys.path.insert(0, folder)
    try:
        found: Any = importlib.import_module(name)
    except ModuleNotFoundError as fault:
        if fault.name is None or not f"{name}.".startswith(f"{fault.name}."):
            raise  # the module exists, but one of its own imports does not
        raise UsageValueError(
            f"{option}: a module that is installed or can be imported from '{folder}' is required, got {name!r} "
            f"({fault}); run the command where `python -c 'import {name}'` works."
        ) from fault
    from lightning_infomem._checks import nearest_names  # imported late, because it imports torch

    for part in attribute.split("."):
        if not hasattr(found, part):
            nearest = ", ".join(map(repr, nearest_names(part, [each for each in dir(found) if each[0] != "_"])))
            raise UsageValueError(
                f"{option}: a function of {name!r} is required, got {attribute!r}, which does not exist; nearest: "
                f"{nearest or 'none'}."
            )
        found = getattr(found, part)
    if not callable(found):
        raise UsageValueError(
            f"{option}: a callable is required, got '{path}', which is {type(found).__name__}; wrap it in a function."
        )
    try:
        inspect.signature(found).bind(*[None] * num_arguments)
    except TypeError as fault:
        raise UsageValueError(
            f"{option}: a callable with {num_arguments} arguments is required, got '{path}' ({fault}); wrap it in a "
            "function."
        ) from fault
    except ValueError:  # some built-in functions have no signature
        pass
    result: Callable[..., Any] = found
    return result
