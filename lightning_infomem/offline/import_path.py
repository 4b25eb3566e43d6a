"""Functions of the user by their import path, as in ``package.module:function``."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["import_function"]


def import_function(path: str, *, option: str) -> Callable[..., Any]:
    """Import a function, or a class, also from modules in the folder in which the command was called.

    Args:
        path: ``module:function``; what follows the colon may have dots.
        option: by which it was given, for the messages.

    Raises:
        ValueError: no such path, module or function, or nothing that can be called.
        Exception: whatever the module raises when it is imported.
    """
    name, _, attribute = path.partition(":")
    if not name or not attribute:
        raise ValueError(
            f"{option}: a path module:function is required, got {path!r}; write it as in my_package.my_module:make."
        )
    folder = os.getcwd()
    if folder not in sys.path:  # as with python -m; a command has its own folder there
        sys.path.insert(0, folder)
    try:
        found: Any = importlib.import_module(name)
    except ModuleNotFoundError as fault:
        if fault.name is None or not f"{name}.".startswith(f"{fault.name}."):
            raise  # one that the module itself imports
        raise ValueError(
            f"{option}: a module that can be imported from '{folder}' or is installed is required, got {name!r} "
            f"({fault}); call the command where `python -c 'import {name}'` works."
        ) from fault
    from lightning_infomem._checks import nearest_names  # late, as all that imports torch

    for part in attribute.split("."):
        if not hasattr(found, part):
            nearest = ", ".join(map(repr, nearest_names(part, [each for each in dir(found) if each[0] != "_"])))
            raise ValueError(
                f"{option}: a function of {name!r} is required, got {attribute!r}, which is not there; nearest: "
                f"{nearest or 'none'}."
            )
        found = getattr(found, part)
    if not callable(found):
        raise ValueError(
            f"{option}: something that can be called is required, got '{path}', which is {type(found).__name__}; put "
            "it into a function."
        )
    result: Callable[..., Any] = found
    return result
